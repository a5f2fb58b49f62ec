"""A Pipeline whose classifier measures its margin in the Pipeline's input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.pipeline import Pipeline

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._doc_link import DocumentedHere

if TYPE_CHECKING:
    from typing_extensions import Self  # of typing from Python 3.11 on


class RobustPipeline(DocumentedHere, Pipeline):
    """Pipeline whose classifier measures its margin in the Pipeline's input.

    In a plain Pipeline, an :class:`SCDClassifier` with ``margin_norm=numpy.inf`` trains
    against perturbations of the features that it sees. Here `fit` tells it by which
    linear map these come from the input, so that it trains against perturbations of
    the input: of pixels, where the steps before it project images. With
    ``margin_norm=2``, or another classifier, it is a Pipeline as any other.

    Parameters
    ----------
    steps : list of (str, estimator) tuples
        As of :class:`~sklearn.pipeline.Pipeline`. For ``margin_norm=numpy.inf`` those
        before the classifier have to be affine, and
        :func:`~sklearn_scd.affine.affine_map` to know it.

    transform_input : list of str, default=None
        As of :class:`~sklearn.pipeline.Pipeline`.

    memory : str or object with the joblib.Memory interface, default=None
        As of :class:`~sklearn.pipeline.Pipeline`.

    verbose : bool, default=False
        As of :class:`~sklearn.pipeline.Pipeline`.

    See Also
    --------
    make_robust_scd : Makes one, of steps and parameters that suit images.

    Notes
    -----
    Within another Pipeline the input is what comes to this one.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn_scd import RobustPipeline, SCDClassifier
    >>> from sklearn_scd.robustness import certified_distortion
    >>> X, y = load_digits(n_class=2, return_X_y=True)
    >>> classifier = SCDClassifier(
    ...     "radius", margin="auto", margin_norm=np.inf, n_estimators=3, random_state=0)
    >>> model = RobustPipeline([("pca", PCA(10)), ("scd", classifier)])
    >>> model = model.fit(X / 16, y)
    >>> sizes = certified_distortion(model, X / 16, y, norm=np.inf)
    >>> bool(np.median(sizes) > 1 / 16)  # of a range from 0 to 1
    True
    """

    def __init__(
        self,
        steps: list[tuple[str, Any]],
        *,
        transform_input: list[str] | None = None,
        memory: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            steps, transform_input=transform_input, memory=memory, verbose=verbose
        )

    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Self:
        """Fit the steps one after the other.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples.

        y : array-like of shape (n_samples,)
            Class labels.

        **params : dict
            As of :meth:`sklearn.pipeline.Pipeline.fit`: parameters of the steps' `fit`,
            such as ``scdclassifier__sample_weight``. Weights are the classifier's
            alone: an :class:`ActiveSubspace` before it counts all samples alike, those
            of weight 0 too.

        Returns
        -------
        self : RobustPipeline
            The fitted pipeline.

        Raises
        ------
        ValueError
            If the steps before the classifier are not affine, where that is asked for.
        """
        # Without any step it is refused as any other Pipeline.
        name, classifier = self.steps[-1] if self.steps else ("", None)
        if isinstance(classifier, SCDClassifier) and classifier.margin_norm != 2:
            # The steps before it are fitted when it asks; in scikit-learn's cache they
            # are clones of those that are here now.
            given = {"input_map": lambda: self._matrix_before_classifier(X)}
            if get_config()["enable_metadata_routing"]:
                classifier.set_fit_request(input_map=True)
            else:
                given = {f"{name}__{key}": value for key, value in given.items()}
            params = {**given, **params}
        return super().fit(X, y, **params)

    def _matrix_before_classifier(self, X: ArrayLike) -> Any:
        """Matrix of the fitted steps before the last; None if there is none."""
        from sklearn_scd.affine import NotAffineError, affine_map  # with few models

        front = self[:-1]
        if not len(front):
            return None
        try:
            return affine_map(front, np.shape(X)[1]).matrix
        except NotAffineError as error:
            raise NotAffineError(
                "margin_norm=inf is measured in the pipeline's input, which takes "
                f"affine steps before the classifier: {error}"
            ) from error
