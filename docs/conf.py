"""Configuration of the documentation's build."""

import os
import sys
from pathlib import Path

from sphinx.util.nodes import get_node_source

import sklearn_scd

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "sklearn-scd"
author = "the sklearn-scd developers"
copyright = f"2026, {author}"
version = release = sklearn_scd.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "module_source",
    "mathml",
    "numpydoc",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "tables"]  # tables are included
templates_path = ["_templates"]
html_math_renderer = "mathml"

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
    "within_subsection_order": "gallery_order.by_question",
    "backreferences_dir": "generated/gallery",
    "doc_module": "sklearn_scd",
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "images/logo.svg"
html_sidebars = {"index": []}
html_theme_options = {
    "logo": {
        "image_light": "images/logo.svg",
        "image_dark": "images/logo.svg",
        "text": project,
        "alt_text": f"{project}: home",
    },
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
}

# Where the sources are hosted is known to the service that builds the pages.
_github = os.environ.get("GITHUB_REPOSITORY")
_repository = os.environ.get("READTHEDOCS_GIT_CLONE_URL", "").removesuffix(".git") or (
    f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{_github}"
    if _github
    else ""
)
if _repository.startswith("https://"):
    html_theme_options["icon_links"] = [
        {
            "name": "Repository",
            "url": _repository,
            "icon": "fa-solid fa-code-branch",
        }
    ]


def _plain_text(app, env, node, contnode):
    """Leave a label of scikit-learn as text, in a docstring inherited from it."""
    return contnode if "docstring of sklearn." in get_node_source(node) else None


def setup(app):
    """Register what takes over where intersphinx finds nothing."""
    app.connect("missing-reference", _plain_text, priority=900)
