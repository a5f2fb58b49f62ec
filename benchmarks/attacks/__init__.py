"""Attacks of models that are not the package's own: by their gradient, by their leaves.

An attack takes a model, images, their labels and the range of values, and returns a
`DistortionResult`. It knows no list of models: ``benchmarks/models/bounding.py`` says
which model it is for.
"""
