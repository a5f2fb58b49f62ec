"""Minimal adversarial perturbations of small ensembles, in exact arithmetic.

The oracle reads the fitted arrays of an ensemble in one to three dimensions, takes
every float as the rational number that it is, and shares nothing else with the package.

A decision is constant on each face of the arrangement of hyperplanes: on the open
cells, and on the facets, edges and vertices between them, where the units of both sides
are inactive. So the nearest point of another class is looked for where it must lie:

- A closed face of another class has a nearest point p. Under L2, p is the projection of
  x on a flat, the intersection of at most d of the hyperplanes that pass through p: all
  that pass through it define the smallest face that it lies in. Under L1 and L-infinity
  the norm is linear on each of the cones between auxiliary hyperplanes through x, and p
  can be chosen among the vertices of the arrangement together with them. Either way
  the candidates are finitely many.
- A candidate counts if another class is decided at it or arbitrarily near to it: on one
  of the faces that meet there. They are those of the hyperplanes through the candidate
  alone, and all of them are enumerated.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import gcd, inf, lcm

AMBIGUOUS = Decimal("1e-12")  # means of soft votes this close may be told either way


@dataclass(frozen=True)
class Nearest:
    """The nearest point at or beside which another class is decided.

    Attributes
    ----------
    distance : Fraction, or inf where there is none
        Under L2 its square.
    point : tuple of Fraction, or None
        At this distance, of the closure of where another class is decided.
    witness : tuple of Fraction, or None
        Of another class, within a 2**-40th of the larger of 1 and the coordinates.
    """

    distance: Fraction | float
    point: tuple[Fraction, ...] | None = None
    witness: tuple[Fraction, ...] | None = None


class ExactOracle:
    """Decisions and distances of an ensemble.

    Parameters
    ----------
    model : SCDClassifier
        Fitted, of at most three features.
    scaler : StandardScaler, default=None
        Fitted; what comes before the model.
    """

    def __init__(self, model, scaler=None):
        self.n_classes = len(model.classes_)
        self.n_rivals = 1 if self.n_classes == 2 else self.n_classes
        self.voting = model.voting
        self.linear = model.loss == "01" and model.hidden_units == 0
        n_networks, _, self.n_features = model.hidden_coef_.shape
        self.output_coef = [_fractions(row) for row in model.output_coef_]
        self.output_intercept = _fractions(model.output_intercept_)
        rows = [
            (_fractions(w), _fraction(b))
            for n in range(n_networks)
            for w, b in zip(
                model.hidden_coef_[n], model.hidden_intercept_[n], strict=True
            )
        ]
        if scaler is not None:
            rows = [_before(scaler, *row) for row in rows]
        self.compares = self.linear and self.n_rivals > 1
        if self.compares:
            rows = self._differences(rows)
        self._find_hyperplanes(rows)
        self._decided = {}

    def _differences(self, rows):
        """Rows whose signs compare outputs of rivals: first ones with later ones."""
        return [
            ([a - b for a, b in zip(one, other, strict=True)], shift - other_shift)
            for first in range(0, len(rows), self.n_rivals)
            for (one, shift), (other, other_shift) in combinations(
                rows[first : first + self.n_rivals], 2
            )
        ]

    def _find_hyperplanes(self, rows):
        """Different hyperplanes, and each row's place and orientation among them."""
        places = {}
        self.units = []  # (place, orientation), place None: the sign is constant
        for w, b in rows:
            whole = _whole([*w, b])
            leading = next((v for v in whole[:-1] if v), 0)
            if not leading:
                self.units.append((None, _sign(b)))
                continue
            orientation = _sign(leading)
            key = tuple(orientation * v for v in whole)
            self.units.append((places.setdefault(key, len(places)), orientation))
        self.hyperplanes = list(places)

    # Decisions

    def signs_at(self, point):
        """On which side of each hyperplane a point lies: -1, 0 or 1."""
        return _signs(self.hyperplanes, _whole([*_fractions(point), Fraction(1)]))

    def classes_at(self, point):
        """Codes of the classes that may be decided at a point; one but for ties."""
        return self._classes(self.signs_at(point))

    def _classes(self, signs):
        """Codes of the classes that may be decided on a face."""
        if signs not in self._decided:
            sides = [
                orientation if place is None else orientation * signs[place]
                for place, orientation in self.units
            ]
            self._decided[signs] = frozenset(self._decide(sides))
        return self._decided[signs]

    def _decide(self, sides):
        if self.compares:
            return [self._of_most_votes(self._winners_compared(sides))]
        outputs = self._outputs(sides)
        votes = [
            outputs[first : first + self.n_rivals]
            for first in range(0, len(outputs), self.n_rivals)
        ]
        if self.voting == "soft":
            return self._of_largest_mean(votes)
        if self.n_rivals == 1:
            return [self._of_most_votes([int(output > 0) for (output,) in votes])]
        return [self._of_most_votes([vote.index(max(vote)) for vote in votes])]

    def _winners_compared(self, sides):
        """Classes that votes name whose outputs are distances: of equals the first."""
        pairs = list(combinations(range(self.n_classes), 2))
        for start in range(0, len(sides), len(pairs)):
            compared = dict(zip(pairs, sides[start : start + len(pairs)], strict=True))
            yield next(
                k
                for k in range(self.n_classes)
                if all(compared[j, k] < 0 for j in range(k))
                and all(compared[k, j] >= 0 for j in range(k + 1, self.n_classes))
            )

    def _outputs(self, sides):
        n_units = len(self.output_coef[0])
        fires = [side > 0 for side in sides]
        if self.linear:  # of two classes: 1 where the unit fires
            return [Fraction(fire) for fire in fires]
        return [
            c + sum(w for w, fire in zip(u, fires[n * n_units :], strict=False) if fire)
            for n, (u, c) in enumerate(
                zip(self.output_coef, self.output_intercept, strict=True)
            )
        ]

    def _of_most_votes(self, named):
        named = list(named)
        counts = [named.count(k) for k in range(self.n_classes)]
        return counts.index(max(counts))

    def _of_largest_mean(self, votes):
        means = [
            sum(_expit(vote[k]) for vote in votes) / len(votes)
            for k in range(self.n_rivals)
        ]
        if self.n_rivals == 1:
            means = [1 - means[0], means[0]]
        return [k for k, mean in enumerate(means) if max(means) - mean < AMBIGUOUS]

    # Distances

    def nearest(self, x, norm, away_from, target=None, box=None, certain=True):
        """The infimum of the distance to points of another class.

        Parameters
        ----------
        x : array-like of shape (n_features,)
        norm : {1, 2, inf}
        away_from : int
            Code of the class to get away from.
        target : int, default=None
            Code of the class to get to; None: any other.
        box : tuple of (float, float), default=None
            Smallest and largest value of a coordinate.
        certain : bool, default=True
            Whether points count only where no tie of soft votes leaves the class open.
            With False, a lower end of what may be meant.

        Returns
        -------
        nearest : Nearest
        """
        x = _fractions(x)

        def counts(signs):
            classes = self._classes(signs)
            if target is not None:
                return classes == {target} if certain else target in classes
            return away_from not in classes if certain else classes != {away_from}

        walls = [] if box is None else _walls(box, self.n_features)
        candidates = self._candidates(x, norm, walls)
        for distance, point in sorted(candidates):
            face = self._face_beside(point, walls, counts)
            if face is not None:
                return Nearest(distance, point, self._inside(point, walls, *face))
        return Nearest(inf)

    def _candidates(self, x, norm, walls):
        """Points at one of which the infimum is taken, with their distances."""
        rows = [*self.hyperplanes, *walls]
        if norm == 2:
            sizes = range(self.n_features + 1)
            flats = [flat for k in sizes for flat in combinations(rows, k)]
        else:
            rows += _cones(x, norm)
            flats = combinations(rows, self.n_features)
        points = {_projection(x, flat) for flat in flats} - {None}
        return [
            (_size([p - q for p, q in zip(point, x, strict=True)], norm), point)
            for point in points
            if min(_signs(walls, _whole([*point, Fraction(1)])), default=0) >= 0
        ]

    def _face_beside(self, point, walls, counts):
        """A face that counts among those that meet at a point: signs and directions."""
        whole = _whole([*point, Fraction(1)])
        at, at_walls = _signs(self.hyperplanes, whole), _signs(walls, whole)
        touched = [i for i, sign in enumerate(at) if sign == 0]
        normals = [self.hyperplanes[i][:-1] for i in touched]
        leaned_on = [
            wall[:-1] for wall, sign in zip(walls, at_walls, strict=True) if sign == 0
        ]
        for local, directions in _faces((*normals, *leaned_on), self.n_features):
            if min(local[len(touched) :], default=0) < 0:
                continue  # outside the box
            signs = list(at)
            for i, sign in zip(touched, local, strict=False):
                signs[i] = sign
            if counts(tuple(signs)):
                return tuple(signs), directions
        return None

    def _inside(self, point, walls, signs, directions):
        """A point of a face, as near to a point that it meets as nobody will notice."""
        near = max(1, *map(abs, point)) / Fraction(2) ** 40
        shift = 1
        while True:
            step = Fraction(1, 2**shift)
            moves = [
                sum(step**k * direction[f] for k, direction in enumerate(directions, 1))
                for f in range(self.n_features)
            ]
            moved = tuple(p + move for p, move in zip(point, moves, strict=True))
            whole = _whole([*moved, Fraction(1)])
            if (
                all(abs(move) <= near for move in moves)
                and _signs(self.hyperplanes, whole) == signs
                and min(_signs(walls, whole), default=0) >= 0
            ):
                return moved
            shift *= 2


def _fraction(value):
    """The rational number that a float of any width is."""
    return Fraction(value.item() if hasattr(value, "item") else value)


def _fractions(values):
    return tuple(_fraction(value) for value in values)


def _sign(value):
    return (value > 0) - (value < 0)


def _whole(values):
    """Whole numbers in the same ratios without a common divisor, of the same signs."""
    common = lcm(*(value.denominator for value in values))
    whole = [value.numerator * (common // value.denominator) for value in values]
    divisor = gcd(*whole) or 1
    return tuple(value // divisor for value in whole)


def _signs(rows, whole):
    """Signs of rows ``(w, b)`` at a point in homogeneous coordinates."""
    return tuple(_sign(_dot(row, whole)) for row in rows)


def _dot(row, values):
    return sum(a * b for a, b in zip(row, values, strict=True))


def _before(scaler, w, b):
    """A row in front of ``(x - mean) / scale``."""
    if scaler.scale_ is not None:
        w = tuple(v / s for v, s in zip(w, _fractions(scaler.scale_), strict=True))
    if scaler.mean_ is not None:
        b -= _dot(w, _fractions(scaler.mean_))
    return w, b


def _expit(value):
    with localcontext() as context:
        context.prec = 60
        return 1 / (1 + (-Decimal(value.numerator) / value.denominator).exp())


def _size(steps, norm):
    """Size in a norm; of L2 its square."""
    if norm == 2:
        return sum(step * step for step in steps)
    return sum(map(abs, steps)) if norm == 1 else max(map(abs, steps))


def _walls(box, n_features):
    """Rows that are not negative within a box."""
    low, high = (Fraction(end) for end in box)
    axes = _axes(n_features)
    return [
        *(_whole([*map(Fraction, axis), -low]) for axis in axes),
        *(_whole([*(Fraction(-a) for a in axis), high]) for axis in axes),
    ]


def _axes(n_features):
    return [tuple(int(f == g) for g in range(n_features)) for f in range(n_features)]


def _cones(x, norm):
    """Hyperplanes through x between which a norm of the step from x is linear."""
    axes = _axes(len(x))
    normals = axes
    if norm != 1 and len(x) > 1:  # which coordinate moves most, and to which side
        normals = [
            tuple(p + sign * q for p, q in zip(one, other, strict=True))
            for one, other in combinations(axes, 2)
            for sign in (-1, 1)
        ]
    return [_whole([*map(Fraction, n), -_dot(n, x)]) for n in normals]


def _projection(x, flat):
    """The point nearest to x at which all rows are 0; None if they are dependent."""
    if not flat:
        return x
    normals = [row[:-1] for row in flat]
    products = [[Fraction(_dot(one, other)) for other in normals] for one in normals]
    values = [_dot(row, (*x, 1)) for row in flat]
    factors = _solve(products, values)
    if factors is None:
        return None
    return tuple(
        v - sum(factor * row[f] for factor, row in zip(factors, flat, strict=True))
        for f, v in enumerate(x)
    )


def _solve(matrix, values):
    """Solve equations by elimination; None if they are singular."""
    rows = [[*row, value] for row, value in zip(matrix, values, strict=True)]
    n = len(rows)
    for k in range(n):
        pivot = next((i for i in range(k, n) if rows[i][k]), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                factor = rows[i][k]
                rows[i] = [
                    a - factor * b for a, b in zip(rows[i], rows[k], strict=True)
                ]
    return [row[-1] for row in rows]


@lru_cache(maxsize=10_000)
def _faces(normals, n_features):
    """Faces of an arrangement of hyperplanes through the origin.

    The coordinate hyperplanes join it, which only cuts faces into smaller ones. Then
    each face is a cone over rays, and inside it is the sum of at most `n_features` of
    them, the first counting infinitely more than the next: a direction that leads into
    the face.

    Returns
    -------
    faces : list of (signs, directions)
        The first is the origin itself, without a direction.
    """
    rays = [
        ray
        for rows in combinations((*normals, *_axes(n_features)), n_features - 1)
        for ray in _orthogonal(rows)
    ]
    ways = {_signs(normals, ray): ray for ray in rays}
    faces = {(0,) * len(normals): ()}
    for _ in range(n_features):
        for signs, directions in list(faces.items()):
            for way, ray in ways.items():
                both = tuple(a or b for a, b in zip(signs, way, strict=True))
                if both not in faces:
                    faces[both] = (*directions, ray)
    return list(faces.items())


def _orthogonal(rows):
    """Both directions at right angles to one row less than there are dimensions."""
    if not rows:
        ray = (1,)
    elif len(rows) == 1:
        ((a, b),) = rows
        ray = (-b, a)
    else:
        (a, b, c), (d, e, f) = rows
        ray = (b * f - c * e, c * d - a * f, a * e - b * d)
    return [ray, tuple(-v for v in ray)] if any(ray) else []
