"""A linear projection chosen by the labels: directions in which the classes change."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.decomposition import PCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_scd._doc_link import DocumentedHere
from sklearn_scd._range import exponent_of, largest_entry
from sklearn_scd._stratified import draw_some
from sklearn_scd._typing import Floats, RandomState, validated_fit

if TYPE_CHECKING:
    from sklearn.utils import Tags
    from typing_extensions import Self  # of typing from Python 3.11 on

_FLOATS = [np.float64, np.float32]
_AUTO_COMPONENTS = 16
_RADIUS_COMPONENTS = 64
_ROWS_CONVERTED = 128  # at a time: their float64 copy stays in the cache
_LENGTHS = 1e-140, 1e140  # whose squares are numbers
_NEIGHBOUR = 7  # the distance to which is the local scale, as in [3]_ of the class


class ActiveSubspace(
    DocumentedHere, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Orthonormal directions along which the classes change most.

    In the leading principal components a smooth function is fitted to the classes, by
    kernel ridge regression, and its gradients at the samples are looked at: their outer
    products, averaged, have as leading eigenvectors the directions in which it changes
    most [1]_, [2]_. Samples are projected onto these, without scaling, so that no
    distance grows and what is certified after the projection holds before it.

    Where :class:`~sklearn.decomposition.PCA` keeps what varies, this keeps what
    matters to the labels; more than one direction even with two classes, unlike a
    linear discriminant.

    Parameters
    ----------
    n_components : int, 'auto' or 'radius', default='auto'
        Directions to keep. ``'auto'`` is 16, which suits coordinate descent.
        ``'radius'`` is 64 for two classes, for networks with ``loss='radius'``, and 16
        for more, which are not trained so. Both are as many as there are features or
        samples if those are fewer.

    n_principal : int, default=64
        Principal components to find them in, where there are more; at least
        `n_components`. In thousands of directions a kernel sees little but noise.

    length_scale : float, default=None
        Of the kernel ``exp(-|x - z|^2 / (2 length_scale^2))``, in the units of X. None
        is the median distance of a sample to its seventh nearest neighbor, as local
        scales in [3]_, or to the nearest other one where it has seven copies or more.

    alpha : float, default=30.0
        Ridge: the larger, the smoother the function.

    max_samples : int, default=4000
        Of more samples that many are drawn, class by class, and one of each class that
        is too rare for that. The kernel has `max_samples` squared entries of 8 bytes.

    random_state : int, RandomState instance or None, default=None
        For the solver of the principal components, and the samples drawn where there
        are more than `max_samples`.

    Attributes
    ----------
    n_components_ : int
        Directions that are kept.

    components_ : ndarray of shape (`n_components_`, n_features)
        The directions, by falling share; float32 where X was, else float64.
        Orthonormal to within rounding: in float32 a distance may grow by a millionth,
        which certificates of a pipeline allow for.

    gradient_ratio_ : ndarray of shape (`n_components_`,)
        Share of the mean squared gradient that each direction has.

    length_scale_ : float
        Of the kernel.

    classes_ : ndarray of shape (n_classes,)
        Class labels.

    n_features_in_ : int
        Number of features seen in fit.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of features seen in fit, where all of them are strings.

    See Also
    --------
    make_robust_scd : This, and networks trained with a margin behind it.
    sklearn.neighbors.NeighborhoodComponentsAnalysis : Learns a metric, with scales.

    Notes
    -----
    Directions that hardly matter hold part of an image's distance to others. What is
    cut off there is no defense, as an attacker moves along the directions that are
    kept.

    With several classes, gradients of all one-versus-rest functions are taken together.

    Principal components are found along random combinations of the samples, so that
    directions depend on the order of these, most where components are alike, and in
    their last digits on the number of threads of BLAS.

    References
    ----------
    .. [1] Trivedi, Wang, Kpotufe, Shakhnarovich, "A Consistent Estimator of the
       Expected Gradient Outerproduct", UAI 2014.
    .. [2] Constantine, Dow, Wang, "Active Subspace Methods in Theory and Practice",
       SIAM Journal on Scientific Computing 36, 2014.
    .. [3] Zelnik-Manor, Perona, "Self-Tuning Spectral Clustering", NeurIPS 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_scd import ActiveSubspace
    >>> X = np.random.RandomState(0).uniform(-1, 1, size=(300, 5))
    >>> y = (X[:, 1] ** 2 + X[:, 3] ** 2 > 0.6).astype(int)  # a circle in two of five
    >>> subspace = ActiveSubspace(n_components=2).fit(X, y)
    >>> subspace.transform(X).shape
    (300, 2)
    >>> np.linalg.norm(subspace.components_, axis=0).round(1)  # of each feature
    array([0.1, 1. , 0.1, 1. , 0.1])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto", "radius"}),
        ],
        "n_principal": [Interval(Integral, 1, None, closed="left")],
        "length_scale": [Interval(Real, 0, None, closed="neither"), None],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "max_samples": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int | Literal["auto", "radius"] = "auto",
        *,
        n_principal: int = 64,
        length_scale: float | None = None,
        alpha: float = 30.0,
        max_samples: int = 4000,
        random_state: RandomState = None,
    ) -> None:
        self.n_components = n_components
        self.n_principal = n_principal
        self.length_scale = length_scale
        self.alpha = alpha
        self.max_samples = max_samples
        self.random_state = random_state

    @validated_fit
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Find the directions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : ActiveSubspace
            The fitted transformer.

        Raises
        ------
        ValueError
            If there are fewer samples or features than `n_components`, or one class.
        """
        X, y = validate_data(self, X, y, dtype=_FLOATS, ensure_min_samples=2)
        check_classification_targets(y)
        classes = np.unique(y)
        if classes.size < 2:
            raise ValueError(
                "ActiveSubspace needs samples of at least 2 classes in the data, but "
                f"the data contains only one class: {classes[0]}"
            )
        n_components = self._n_directions(min(X.shape), classes.size)
        rng = check_random_state(self.random_state)
        n_principal = min(max(self.n_principal, n_components), *X.shape)
        pca = PCA(n_principal, svd_solver="randomized", random_state=rng)
        # In units of which squares are sound; directions are the same in all.
        exponent = exponent_of(X)
        if exponent:
            X = np.ldexp(X, -exponent)
        rows = pca.fit_transform(X)
        drawn = draw_some(y, self.max_samples, rng)
        rows, y = rows[drawn].astype(np.float64), y[drawn]
        if self.length_scale is None:
            length_scale = _local_scale(rows, X, drawn)
        else:
            length_scale = float(np.ldexp(self.length_scale, -exponent))
            if not _LENGTHS[0] < length_scale < _LENGTHS[1]:
                largest = np.ldexp(largest_entry(X), exponent)
                raise ValueError(
                    f"length_scale={self.length_scale:.3g} is no distance that samples "
                    f"of up to {largest:.3g} can have; None takes it from them."
                )
        shares, directions = _principal_axes(self._gradients(rows, y, length_scale))
        self.length_scale_ = float(np.ldexp(length_scale, exponent))
        self.gradient_ratio_ = shares[:n_components]
        self.components_ = (
            directions[:n_components] @ pca.components_.astype(np.float64)
        ).astype(X.dtype)
        self.classes_, self.n_components_ = classes, n_components
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Project samples onto the directions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        X_new : ndarray of shape (n_samples, `n_components_`)
            ``X @ components_.T``, computed in float64, in the dtype of X.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=_FLOATS, reset=False)
        # In float32 a sum over thousands of pixels would take from a certified radius.
        columns = self.components_.T.astype(np.float64, copy=False)
        if X.dtype == np.float64:
            return X @ columns
        projected = np.empty((len(X), self.n_components_), dtype=X.dtype)
        for rows in gen_batches(len(X), _ROWS_CONVERTED):
            projected[rows] = X[rows].astype(np.float64) @ columns
        return projected

    def _n_directions(self, n_most: int, n_classes: int) -> int:
        """Directions to keep of at most so many."""
        if isinstance(self.n_components, str):
            by_radius = self.n_components == "radius" and n_classes == 2
            return min(_RADIUS_COMPONENTS if by_radius else _AUTO_COMPONENTS, n_most)
        if self.n_components > n_most:
            raise ValueError(
                f"n_components={self.n_components!r} must be between 1 and "
                f"min(n_samples, n_features)={n_most!r}"
            )
        return self.n_components

    def _gradients(self, X: Floats, y: NDArray[Any], length_scale: float) -> Floats:
        """Gradients at the samples, one row for each of them and each function."""
        targets = LabelBinarizer(neg_label=-1).fit_transform(y)
        targets = targets - targets.mean(axis=0)
        gamma = 0.5 / length_scale**2
        smooth = KernelRidge(kernel="rbf", alpha=self.alpha, gamma=gamma)
        duals = smooth.fit(X, targets).dual_coef_
        kernel = rbf_kernel(X, gamma=gamma)
        # Of the sum of a_j exp(-gamma |x - x_j|^2), divided by 2 gamma.
        return np.concatenate(
            [kernel @ (dual * X.T).T - X * (kernel @ dual)[:, None] for dual in duals.T]
        )

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _principal_axes(gradients: Floats) -> tuple[Floats, Floats]:
    """Shares of the mean square, falling, and their directions in rows."""
    sizes, directions = np.linalg.eigh(gradients.T @ gradients)
    sizes = np.maximum(sizes[::-1], 0.0)
    total = sizes.sum()
    directions = directions.T[::-1]
    largest = np.abs(directions).argmax(axis=1)
    # Positive, whatever signs LAPACK chose.
    directions *= np.sign(directions[np.arange(len(directions)), largest])[:, None]
    return sizes / total if total > 0 else sizes, directions


def _local_scale(rows: Floats, X: NDArray[Any], drawn: NDArray[np.intp]) -> float:
    """Median distance to a near neighbor that is in another place.

    Parameters
    ----------
    rows : ndarray of shape (n_drawn, n_principal)
        Projected samples.
    X : ndarray of shape (n_samples, n_features)
        All samples as they were: what is projected tells copies by rounding.
    drawn : ndarray of shape (n_drawn,), int
        Places of the rows in `X`.

    Returns
    -------
    length : float
        1 where all samples are in one place.
    """
    n_neighbors = min(_NEIGHBOUR, len(rows) - 1)
    neighbors = NearestNeighbors(n_neighbors=n_neighbors)
    distances, places = (found[:, -1] for found in neighbors.fit(rows).kneighbors())
    copied = np.array(
        [np.array_equal(X[i], X[j]) for i, j in zip(drawn, drawn[places], strict=True)]
    )
    if copied.any():  # by others as near: the nearest that is not a copy counts
        distances[copied] = _distances_to_unlike(rows, X[drawn])[copied]
    apart = distances[distances > 0]
    return float(np.median(apart)) if apart.size else 1.0


def _distances_to_unlike(rows: Floats, X: NDArray[Any]) -> Floats:
    """Distance of each projected row to the nearest one that is another in `X`."""
    contents = [(x + 0.0).tobytes() for x in X]  # of the two zeros one
    _, first, places = np.unique(contents, return_index=True, return_inverse=True)
    if first.size == 1:
        return np.zeros(len(rows))
    found, _ = NearestNeighbors(n_neighbors=1).fit(rows[first]).kneighbors()
    distances: Floats = found[places, 0]
    return distances
