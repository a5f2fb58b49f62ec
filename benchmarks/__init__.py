"""Benchmarks of `sklearn_scd`, run from a checkout.

``python -m benchmarks.medical`` compares sign networks with common baselines on
medical images. It needs the extra: ``pip install 'sklearn-scd[benchmarks]'``.
"""
