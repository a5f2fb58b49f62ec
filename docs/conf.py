"""Configuration of the documentation's build."""

import os

from sphinx.util.nodes import get_node_source

import sklearn_scd

project = "sklearn-scd"
author = "the sklearn-scd developers"
copyright = f"2026, {author}"
version = release = sklearn_scd.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

# The class template lists the members.
numpydoc_show_class_members = False

# Docstrings tell types better than hints do, and signatures stay readable.
autodoc_typehints = "none"

# A build without a network is a build without warnings: links into other projects'
# documentation are made only where INTERSPHINX is set, as it is for what is published.
intersphinx_mapping = {}
if os.environ.get("INTERSPHINX"):
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "generated/gallery",
    "doc_module": "sklearn_scd",
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = project
html_show_sourcelink = False


def _plain_text(app, env, node, contnode):
    """Leave a label of scikit-learn as text, in a docstring inherited from it."""
    return contnode if "docstring of sklearn." in get_node_source(node) else None


def setup(app):
    """Register what takes over where intersphinx finds nothing."""
    app.connect("missing-reference", _plain_text, priority=900)
