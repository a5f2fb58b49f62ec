"""Benchmarks of `sklearn_scd`, run from a checkout.

``python -m benchmarks.medical`` compares sign networks with common baselines on
medical images; ``python -m benchmarks.speed`` measures time and memory. They need the
extra: ``pip install 'sklearn-scd[benchmarks]'``.
"""
