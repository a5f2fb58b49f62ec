"""Small ensembles with samples, made to be as awkward as fitted arrays can be.

For :mod:`exact_oracle`. Strategies of hypothesis draw them; what they print can be
pasted into a test.
"""

import warnings
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from itertools import combinations
from math import hypot

import numpy as np
from exact_oracle import ExactOracle
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd import SCDClassifier

# Units of an ensemble: the oracle tries all combinations of as many hyperplanes as
# there are features.
MOST_UNITS = {1: 16, 2: 9, 3: 6}
ROUNDING = Fraction(1, 2**20)
ARRAYS = ("hidden_coef", "hidden_intercept", "output_coef", "output_intercept")


@dataclass(frozen=True)
class Problem:
    """Fitted arrays as lists, and samples.

    Attributes
    ----------
    hidden_coef : list of shape (n_networks, n_units, n_features)
    hidden_intercept, output_coef : list of shape (n_networks, n_units)
    output_intercept : list of shape (n_networks,)
    X : list of shape (n_samples, n_features)
        In the units of the scaled features where there is a scaler.
    n_classes : int
    loss, voting : str
    linear : bool, default=False
        Whether `hidden_units` is 0.
    binary : bool, default=False
        Whether all weights are +1 and -1.
    dtype : {'float64', 'float32'}
        Of hidden weights and samples.
    mean, scale : list of shape (n_features,), default=None
        Of a scaler before the ensemble.
    """

    hidden_coef: list
    hidden_intercept: list
    output_coef: list
    output_intercept: list
    X: list
    n_classes: int = 2
    loss: str = "ce"
    voting: str = "hard"
    linear: bool = False
    binary: bool = False
    dtype: str = "float64"
    mean: list | None = None
    scale: list | None = None

    @property
    def n_features(self):
        return len(self.X[0])

    @property
    def n_votes(self):
        return len(self.hidden_coef) // (1 if self.n_classes == 2 else self.n_classes)

    @cached_property
    def ensemble(self):
        """The SCDClassifier.

        It is read from a state of the first format, attributes as they are, so that it
        may hold output biases of any value that a model ever had.
        """
        fitted = _fitted(
            self.loss, self.voting, self.n_votes,
            0 if self.linear else len(self.hidden_coef[0]), self.n_classes,
            self.n_features, self.dtype, self.binary,
        )  # fmt: skip
        state = dict(vars(fitted))
        for name in ARRAYS:
            old = state[f"{name}_"]
            new = np.array(getattr(self, name), dtype=old.dtype)
            state[f"{name}_"] = new.reshape(old.shape)
        model = SCDClassifier()
        model.__setstate__(state)
        return model

    @cached_property
    def scaler(self):
        if self.mean is None:
            return None
        scaler = StandardScaler().fit(np.eye(2, self.n_features))
        scaler.mean_, scaler.scale_ = np.array(self.mean), np.array(self.scale)
        scaler.var_ = scaler.scale_**2
        return scaler

    @cached_property
    def model(self):
        """The ensemble, or a pipeline of scaler and ensemble."""
        if self.scaler is None:
            return self.ensemble
        return make_pipeline(self.scaler, self.ensemble)

    @cached_property
    def samples(self):
        """Samples in the units of the input, ndarray."""
        X = np.array(self.X)
        if self.mean is not None:
            X = X * self.scale + self.mean
        return X.astype(self.dtype)

    @cached_property
    def oracle(self):
        return ExactOracle(self.ensemble, self.scaler)

    def is_rounded(self, x):
        """Whether the model's own arithmetic may decide otherwise than exact one."""
        z = [Fraction(v.item()) for v in x]
        if self.mean is not None:
            z = [
                (v - Fraction(m)) / Fraction(s)
                for v, m, s in zip(z, self.mean, self.scale, strict=True)
            ]
        z.append(Fraction(1))
        rows = np.dstack([self.ensemble.hidden_coef_, self.ensemble.hidden_intercept_])
        sums, sizes = [], []
        for row in rows.reshape(-1, len(z)):
            terms = [Fraction(w.item()) * v for w, v in zip(row, z, strict=True)]
            sums.append(sum(terms))
            sizes.append(sum(map(abs, terms)))
        near = any(
            abs(s) <= ROUNDING * t != 0 for s, t in zip(sums, sizes, strict=True)
        )
        if self.linear and self.n_classes > 2:  # outputs are compared
            near |= any(
                abs(sums[i] - sums[j]) <= ROUNDING * (sizes[i] + sizes[j]) != 0
                for i, j in combinations(range(len(sums)), 2)
            )
        return near


@cache
def _fitted(loss, voting, n_votes, units, n_classes, n_features, dtype, binary):
    X = np.random.default_rng(0).random((4 * n_classes, n_features)).astype(dtype)
    model = SCDClassifier(
        loss, n_estimators=n_votes, hidden_units=units, max_iter=1, voting=voting,
        binary_weights=binary, random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # weights are overwritten
        return model.fit(X, np.arange(len(X)) % n_classes)


# Strategies

_whole = st.integers(-3, 3).map(float)
_halves = st.integers(-6, 6).map(lambda k: k / 2)
_real = st.floats(-1, 1, width=16).filter(lambda v: v == 0 or abs(v) > 1e-3)
_entries = [_whole, _halves, _real]
_angles = st.sampled_from([1e-1, 1e-3, 1e-4, 1e-5, 1e-5, 1e-6, 1e-6])
_relations = (
    "fresh", "fresh", "fresh", "equal", "opposite", "parallel", "opposite parallel",
    "nearly parallel", "nearly opposite parallel", "zero",
)  # fmt: skip


@st.composite
def shapes(draw, *, n_features=(1, 3), n_classes=(2, 4), n_units=(1, 3), n_votes=4):
    """Features, classes, votes and units of an ensemble that the oracle can take."""
    n_features = draw(st.integers(*n_features))
    most = MOST_UNITS[n_features]
    classes = draw(st.integers(*n_classes))
    rivals = 1 if classes == 2 else classes
    units = draw(
        st.integers(n_units[0], max(n_units[0], min(n_units[1], most // rivals)))
    )
    votes = draw(st.integers(1, max(1, min(n_votes, most // (rivals * units)))))
    return n_features, classes, votes, units


@st.composite
def hyperplanes(draw, n, n_features, relations, normalised):
    """Rows ``(w, b)``, many of them related to earlier ones."""
    entries = draw(st.sampled_from(_entries))
    rows = []
    for _ in range(n):
        relation = draw(st.sampled_from(relations if rows else relations[:1]))
        if relation == "zero":
            w, b = [0.0] * n_features, draw(entries)
        elif relation == "fresh":
            w = draw(st.lists(entries, min_size=n_features, max_size=n_features))
            b = draw(entries)
        else:
            w, b = rows[draw(st.integers(0, len(rows) - 1))]
            if "opposite" in relation:
                w, b = [-v for v in w], -b
            if "parallel" in relation:
                b = draw(entries)
            if "nearly" in relation:
                f = draw(st.integers(0, n_features - 1))
                w = [v + draw(_angles) if f == g else v for g, v in enumerate(w)]
        rows.append((w, b))
    sizes = [(hypot(*w) if normalised else 0) or 1.0 for w, _ in rows]
    return [
        ([v / size for v in w], b / size)
        for (w, b), size in zip(rows, sizes, strict=True)
    ]


@st.composite
def binary_hyperplanes(draw, n, n_features):
    """Rows of +1 and -1, with few different biases."""
    signs = st.lists(st.sampled_from([1, -1]), min_size=n_features, max_size=n_features)
    return [(draw(signs), draw(st.sampled_from([-1.0, 0.5]))) for _ in range(n)]


@st.composite
def output_nodes(draw, n_networks, n_units, biases, binary):
    """Output weights and biases; outputs of rivals tie, or all but tie.

    Weights are on the grid that training leaves them on, or +1 and -1. So are biases
    with ``'grid'``; with ``'free'`` they are no binary fractions, and with ``'tied'``
    the same one but for whole numbers and for the last bit. With ``'all'`` all units of
    a network must be active.
    """
    if biases == "all":
        return [[1.0] * n_units] * n_networks, [0.5 - n_units] * n_networks
    u = st.sampled_from([1.0, -1.0, 0.5, -0.5, 0.0])
    if binary or biases == "tied":
        u = st.sampled_from([1, -1])
    elif draw(st.booleans()):
        u = st.integers(-(2**17), 2**17).map(lambda k: k / 2**16)
    rows = [
        draw(st.lists(u, min_size=n_units, max_size=n_units)) for _ in range(n_networks)
    ]
    ends = {
        "grid": st.sampled_from([0.0, 2.0**-17, -(2.0**-17), -0.5, 0.5]),
        "free": st.sampled_from([-1 / 120, 1 / 3, 0.1, -0.7]),
        "tied": st.just(-1 / 120),
    }[biases]
    shared = draw(st.none() | ends)
    intercepts = []
    for row in rows:
        # Less what some units add: with those of them active, everything is at stake.
        active = draw(st.lists(st.booleans(), min_size=n_units, max_size=n_units))
        taken = sum(v for v, is_active in zip(row, active, strict=True) if is_active)
        intercepts.append((draw(ends) if shared is None else shared) - taken)
    return rows, intercepts


@st.composite
def samples(draw, rows, n_features):
    """Some anywhere, some on hyperplanes or beside them."""
    entries = draw(st.sampled_from(_entries))
    X = []
    for _ in range(draw(st.integers(1, 2))):
        x = draw(st.lists(entries, min_size=n_features, max_size=n_features))
        w, b = rows[draw(st.integers(0, len(rows) - 1))]
        where = draw(st.sampled_from(["anywhere", "anywhere", "on", "beside"]))
        if where != "anywhere" and any(w):
            w = np.array(w)
            x = np.array(x) - (w @ x + b) / (w @ w) * w
            if where == "beside":
                side = draw(st.sampled_from([1.0, -1.0]))
                x = x + side * 10.0 ** -draw(st.integers(2, 12)) * w
            x = x.tolist()
        X.append(x)
    return X


@st.composite
def problems(
    draw,
    *,
    kinds=("ce", "01"),
    biases=("grid", "free"),
    relations=_relations,
    scaled=False,
    **limits,
):
    """Ensembles with samples.

    Parameters
    ----------
    kinds : sequence of {'ce', '01', 'soft', 'linear', 'linear 01', 'binary'}
        The loss; ``'soft'`` votes; ``'linear'`` without hidden units.
    biases : sequence of {'grid', 'free', 'tied', 'all'}
        Of output nodes.
    relations : sequence of str
        Of hyperplanes to earlier ones.
    scaled : bool
        Whether there is a scaler in front.
    **limits
        Of :func:`shapes`.
    """
    kind = draw(st.sampled_from(kinds))
    linear, binary = kind.startswith("linear"), kind == "binary"
    if linear:
        limits["n_units"] = (1, 1)
    n_features, n_classes, n_votes, n_units = draw(shapes(**limits))
    n_networks = n_votes * (1 if n_classes == 2 else n_classes)
    dtype = draw(st.sampled_from(["float64", "float32"]))
    # Training leaves rows of unit norm. Predictions in float32 rely on it.
    normalised = dtype == "float32" or draw(st.booleans())
    n_rows = n_networks * n_units
    rows = draw(
        binary_hyperplanes(n_rows, n_features) if binary
        else hyperplanes(n_rows, n_features, relations, normalised)
    )  # fmt: skip
    u, c = draw(
        output_nodes(n_networks, n_units, draw(st.sampled_from(biases)), binary)
    )
    mean = scale = None
    if scaled:
        mean, scale = draw(scales(n_features, dtype))
    return Problem(
        hidden_coef=_grouped([w for w, _ in rows], n_units),
        hidden_intercept=_grouped([b for _, b in rows], n_units),
        output_coef=u,
        output_intercept=c,
        X=draw(samples(rows, n_features)),
        n_classes=n_classes,
        loss="01" if kind.endswith("01") else "ce",
        voting="soft" if kind == "soft" else "hard",
        linear=linear,
        binary=binary,
        dtype=dtype,
        mean=mean,
        scale=scale,
    )


# Means and deviations of a feature.
_SCALES = {
    "float32": [(0.0, 1.0), (1.0, 0.3), (-300.0, 1e-3), (1e6, 10.0), (0.0, 1e10)],
    "float64": [
        (0.0, 1.0), (1.0, 0.3), (-300.0, 1e-3), (0.0, 1e-30), (1.0, 1e30),
        (1e6, 1e-30), (-1e13, 1e5), (1.7e12, 1e8), (1.7e12, 1e10), (-1e13, 1e12),
    ],
}  # fmt: skip


@st.composite
def scales(draw, n_features, dtype):
    """Means and deviations of a scaler, such that samples are finite in the dtype."""
    pairs = st.sampled_from(_SCALES[dtype])
    if draw(st.booleans()):  # one for all, so that a range of values suits all
        chosen = [draw(pairs)] * n_features
    else:
        chosen = draw(st.lists(pairs, min_size=n_features, max_size=n_features))
    return [mean for mean, _ in chosen], [scale for _, scale in chosen]


@st.composite
def well_posed_problems(draw, **limits):
    """Ensembles whose hyperplanes meet at wide angles, a sample away from all."""
    kind = draw(st.sampled_from(["ce", "01"]))
    n_features, n_classes, n_votes, n_units = draw(shapes(**limits))
    n_networks = n_votes * (1 if n_classes == 2 else n_classes)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    while True:
        w = rng.standard_normal((n_networks * n_units, n_features))
        w /= np.linalg.norm(w, axis=1, keepdims=True)
        b = rng.uniform(-1, 1, len(w))
        x = rng.uniform(-1, 1, n_features)
        angles = [
            abs(np.linalg.det(w[list(rows)]))
            for rows in combinations(range(len(w)), n_features)
        ]
        if min(angles, default=1) > 0.02 and np.abs(w @ x + b).min() > 0.02:
            break
    u, c = draw(output_nodes(n_networks, n_units, "grid", binary=False))
    return Problem(
        w.reshape(n_networks, n_units, -1).tolist(),
        b.reshape(n_networks, n_units).tolist(),
        u, c, [x.tolist()], n_classes=n_classes, loss=kind,
    )  # fmt: skip


def _grouped(values, n):
    return [values[i : i + n] for i in range(0, len(values), n)]
