"""What ``python -m benchmarks.speed`` is made of: a module a section, and their tools.

A section takes its sizes and a callable for progress and returns a `SectionRecord`;
``sections.py`` lists them. Tables and plots are made from the written record alone.
"""
