"""Where scikit-learn's diagrams of estimators link to."""

from __future__ import annotations

_PAGES = "https://sklearn-scd.readthedocs.io/en/stable/generated"


class DocumentedHere:
    """Mixin of estimators that have a page in this package's documentation.

    Named before scikit-learn's own base classes, whose links are theirs.
    """

    _doc_link_module = "sklearn_scd"
    _doc_link_template = _PAGES + "/{estimator_module}.{estimator_name}.html"
