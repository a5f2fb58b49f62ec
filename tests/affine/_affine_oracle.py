"""What fitted transformers mean, in rational arithmetic: the oracle of test_affine.

Formulas as the documentation of scikit-learn has them, of fitted attributes as they
are, feature by feature in ``fractions``. Nothing of it is shared with the package.
"""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np


def rational(values):
    return [Fraction(float(value)) for value in np.asarray(values).ravel()]


def root(value):
    """Square root to 60 digits."""
    with localcontext() as context:
        context.prec = 60
        value = Fraction(float(value))
        quotient = Decimal(value.numerator) / Decimal(value.denominator)
        return Fraction(quotient.sqrt())


def image(step, x):
    """What `step` makes of one sample, a list of fractions, without any rounding."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return x
    return FORMULAS[type(step).__name__](step, x)


def _dot(rows, x):
    return [
        sum((a * b for a, b in zip(rational(row), x, strict=True)), Fraction())
        for row in rows
    ]


def _dense(matrix):
    return matrix.toarray() if hasattr(matrix, "toarray") else matrix


def _less(x, centre):
    return [a - c for a, c in zip(x, rational(centre), strict=True)]


def _over(x, scale):
    return [a / s for a, s in zip(x, rational(scale), strict=True)]


def _standard(step, x):
    x = _less(x, step.mean_) if step.with_mean else x
    return _over(x, step.scale_) if step.with_std else x


def _robust(step, x):
    x = _less(x, step.center_) if step.with_centering else x
    return _over(x, step.scale_) if step.with_scaling else x


def _min_max(step, x):
    terms = zip(x, rational(step.scale_), rational(step.min_), strict=True)
    return [a * s + m for a, s, m in terms]


def _pca(step, x):
    z = _dot(step.components_, _less(x, step.mean_))
    if not step.whiten:
        return z
    least = Fraction(float(np.finfo(step.explained_variance_.dtype).eps))
    scales = [max(root(v), least) for v in step.explained_variance_]
    return [a / s for a, s in zip(z, scales, strict=True)]


def _product(step, x):
    return _dot(_dense(step.components_), x)


def _factors(step, x):
    psi = rational(step.noise_variance_)
    rows = [rational(row) for row in step.components_]
    weighted = [[a / p for a, p in zip(row, psi, strict=True)] for row in rows]
    gram = [
        [
            sum(a * b for a, b in zip(w, row, strict=True)) + (i == j)
            for j, row in enumerate(rows)
        ]
        for i, w in enumerate(weighted)
    ]
    x = _less(x, step.mean_)
    right = [sum(a * b for a, b in zip(w, x, strict=True)) for w in weighted]
    # z = right @ inv(gram), so that gram.T @ z = right.
    return _solve([list(column) for column in zip(*gram, strict=True)], right)


def _solve(matrix, right):
    rows = [[*row, r] for row, r in zip(matrix, right, strict=True)]
    for i in range(len(rows)):
        rows[i] = [a / rows[i][i] for a in rows[i]]
        for j in range(len(rows)):
            if j != i:
                rows[j] = [
                    a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)
                ]
    return [row[-1] for row in rows]


def _ica(step, x):
    return _dot(step.components_, _less(x, step.mean_) if step.whiten else x)


def _pls(step, x):
    weights = step.x_weights_ if type(step).__name__ == "PLSSVD" else step.x_rotations_
    return _dot(weights.T, _over(_less(x, step._x_mean), step._x_std))


def _discriminants(step, x):
    x = _less(x, step.xbar_) if step.solver == "svd" else x
    return _dot(step.scalings_.T, x)[: step.transform(np.zeros((1, len(x)))).shape[1]]


def _selected(step, x):
    return [x[i] for i in np.flatnonzero(step.get_support())]


def _pipeline(step, x):
    for _, inner in step.steps:
        x = image(inner, x)
    return x


def _weighted(weights, name, z):
    weight = (weights or {}).get(name)
    return z if weight is None else [Fraction(float(weight)) * a for a in z]


def _columns(step, x):
    """Columns by what was asked for: numbers, names, a slice, a mask."""
    out = []
    for name, inner, columns in step.transformers_:
        if isinstance(inner, str) and inner == "drop":
            continue
        every = np.arange(len(x))
        if isinstance(columns, slice) and isinstance(columns.start, str):
            names = list(step.feature_names_in_)
            stop = names.index(columns.stop) + 1
            places = every[names.index(columns.start) : stop]
        elif isinstance(columns, slice):
            places = every[columns]
        elif len(columns) and isinstance(columns[0], str):
            places = [list(step.feature_names_in_).index(name) for name in columns]
        elif len(columns):
            places = every[np.asarray(columns)]
        else:
            places = []
        if len(places):
            z = image(inner, [x[i] for i in places])
            out += _weighted(step.transformer_weights, name, z)
    return out


def _union(step, x):
    out = []
    for name, inner in step.transformer_list:
        if not (isinstance(inner, str) and inner == "drop"):
            out += _weighted(step.transformer_weights, name, image(inner, x))
    return out


FORMULAS = {
    "ActiveSubspace": _product,
    "CCA": _pls,
    "ColumnTransformer": _columns,
    "FactorAnalysis": _factors,
    "FastICA": _ica,
    "FeatureUnion": _union,
    "FunctionTransformer": lambda step, x: x,
    "GaussianRandomProjection": _product,
    "IncrementalPCA": _pca,
    "LinearDiscriminantAnalysis": _discriminants,
    "MaxAbsScaler": lambda step, x: _over(x, step.scale_),
    "MinMaxScaler": _min_max,
    "NeighborhoodComponentsAnalysis": _product,
    "PCA": _pca,
    "Pipeline": _pipeline,
    "PixelMeans": _product,
    "PLSCanonical": _pls,
    "PLSRegression": _pls,
    "PLSSVD": _pls,
    "RFE": _selected,
    "RobustScaler": _robust,
    "SelectFromModel": _selected,
    "SelectKBest": _selected,
    "SequentialFeatureSelector": _selected,
    "SparseRandomProjection": _product,
    "StandardScaler": _standard,
    "TruncatedSVD": _product,
    "VarianceThreshold": _selected,
}
