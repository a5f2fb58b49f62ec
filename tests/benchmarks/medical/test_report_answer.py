"""The report's first sentences say what the numbers carry, and no more."""

from itertools import combinations
from math import comb, inf

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from benchmarks.medical.reading import NOTHING
from benchmarks.medical.report._answer import answer
from benchmarks.medical.tables.at_a_glance import summary
from benchmarks.medical.tables.separation import (
    is_most,
    median_interval,
    model_bounds,
    separated,
)

TEN = np.linspace(0.9, 1.1, 10)


def trained(label, accuracy=0.9, interval=(0.85, 0.94)):
    seed = {"accuracy": accuracy, "wilson_95": interval, "notes": []}
    return {"label": label, "mean": accuracy, "std": None, "seeds": {"0": seed}}


def make_entry(bounds, accuracies=(), attacked=True, evaluated=True):
    """A data set's part of a record.

    `bounds` holds, by label: certified radii (None without a certificate), what the
    best attack needs and what HopSkipJump needs; `accuracies`, a mean and an interval.
    """
    accuracies = dict(accuracies)
    entry = {"name": "tissue", "image": True, "paper_row": None}
    entry["models"] = {
        label: trained(label, *accuracies.get(label, ())) for label in bounds
    }
    if not attacked:
        return entry
    listed = {
        label: [None if b is None else written(b) for b in of_model]
        for label, of_model in bounds.items()
    }
    n_images = len(next(iter(listed.values()))[1])
    settings = {"images": n_images, "restarts": 2, "max_iter": 10, "init_size": 100}
    entry["attack"] = {
        "attack": "hop_skip_jump",
        "norm": 2,
        "settings": settings,
        "images": [{"row": k, "class": "ill"} for k in range(n_images)],
        "models": {
            label: {
                "label": label,
                "distances": hsj,
                "status": ["attacked"] * n_images,
                "summary": {"n": n_images},
            }
            for label, (_, _, hsj) in listed.items()
        },
    }
    if evaluated:
        entry["evaluation"] = {
            "norm": 2,
            "models": {
                label: {
                    "label": label,
                    "certificate": None if certified is None else "certified",
                    "certified": certified,
                    "nearest": best,
                    "distances": {"hop_skip_jump": hsj},
                }
                for label, (certified, best, hsj) in listed.items()
            },
        }
    return entry


def written(values):
    """Distances as a record has them."""
    return [None if np.isinf(value) else float(value) for value in values]


STRONG = {
    "Robust": (3 * TEN, 4 * TEN, 9 * TEN),
    "MLP": (None, 2 * TEN, 5 * TEN),
    "Deep": (None, 1 * TEN, 12 * TEN),
}


def test_a_model_above_all_others():
    robust, rivals, accuracy = answer(make_entry(STRONG, {"Robust": (0.95, (0.9, 1))}))
    assert robust == (
        "Robust: 95.0% accuracy, and a certified radius of 3.00 in the median (L2, 10 "
        "images, 95% interval 2.77 to 3.23)."
    )
    assert rivals == (
        "The best attack needs 2.00 on MLP and 1.00 on Deep. For both it needs less "
        "than the certified radius of Robust on all 10 images."
    )
    assert accuracy == "Accuracy does not separate the models."


def test_the_order_of_models_is_that_of_the_numbers():
    """With the roles of two models changed, sentences and table change theirs."""
    other = {"Robust": STRONG["MLP"], "MLP": STRONG["Robust"], "Deep": STRONG["Deep"]}
    first, rivals, _ = answer(make_entry(other))
    assert first.startswith("MLP: ")
    assert "2.00 on Robust and 1.00 on Deep" in rivals
    for bounds, order in (
        (STRONG, ["Robust", "MLP", "Deep"]),
        (other, ["MLP", "Robust", "Deep"]),
    ):
        rows = summary({}, make_entry(bounds)).rows
        assert [str(row[0]) for row in rows] == order


def test_overlapping_bounds_separate_nothing():
    """Not even where each median is above the other's: both orders are possible."""
    close = {"A": (3 * TEN, 4 * TEN, 9 * TEN), "B": (2 * TEN, 3.9 * TEN, 9 * TEN)}
    text = " ".join(answer(make_entry(close)))
    assert "It is not separated from B: on too few images" in text
    assert "The best attack needs" not in text
    some = {**close, "C": (None, 2.9 * TEN, 9 * TEN)}
    text = " ".join(answer(make_entry(some)))
    assert "needs 2.90 on C: less than the certified radius of A on all 10" in text
    assert "It is not separated from B." in text


def test_a_share_of_images_that_may_be_chance_separates_nothing():
    for n_below, is_said in ((8, False), (9, True)):
        best = np.where(np.arange(10) < n_below, 1.0, 5.0)
        text = " ".join(
            answer(make_entry({"A": STRONG["Robust"], "B": (None, best, best)}))
        )
        assert (f"radius of A on {n_below} of 10 images" in text) == is_said
        assert ("not separated from B" in text) != is_said


@pytest.mark.parametrize("n_images", [1, 5])
def test_few_images_are_told_by_their_interval(n_images):
    few = {
        label: [None if b is None else b[:n_images] for b in bounds]
        for label, bounds in STRONG.items()
    }
    entry = make_entry(few)
    robust, rivals, _ = answer(entry)
    noun = "image" if n_images == 1 else "images"
    assert f"{n_images} {noun}, 95% interval 0 to ∞" in robust
    assert rivals.startswith("It is not separated from MLP and Deep")
    assert summary({}, entry).rows[0][2].small == "0 to ∞"


def test_misclassified_images_have_radius_0_and_are_in_no_median():
    certified, best = 3 * TEN, 4 * TEN
    certified[:2] = best[:2] = 0
    entry = make_entry({"A": (certified, best, best), "B": (None, TEN, TEN)})
    (a, b) = model_bounds(entry)
    assert a.certified_radii.size == 8
    assert separated(a, [b]) == {}
    text = " ".join(answer(entry))
    assert "8 images" in text
    assert "not separated from B" in text
    # One that is right nowhere has no median, and is below every certified radius.
    entry = make_entry({"A": STRONG["Robust"], "B": (None, 0 * TEN, 0 * TEN)})
    assert "The best attack needs 0 on B" in " ".join(answer(entry))
    assert [str(cell) for cell in summary({}, entry).rows[1][2:]] == [NOTHING] * 3


def test_nothing_found_and_certified_at_any_distance():
    endless = np.full(10, inf)
    entry = make_entry({"A": (endless, endless, endless), "B": STRONG["MLP"]})
    text = " ".join(answer(entry))
    assert "a certified radius of ∞ in the median" in text
    assert "2.00 on B: less than the certified radius of A on all 10" in text


def test_accuracy_separates_only_by_disjoint_intervals():
    accuracies = {
        "Robust": (0.90, (0.86, 0.93)),
        "MLP": (0.97, (0.94, 0.99)),
        "Deep": (0.70, (0.6, 0.8)),
    }
    assert answer(make_entry(STRONG, accuracies))[-1] == (
        "The accuracy of Robust is below that of MLP and above that of Deep."
    )
    accuracies["MLP"] = (0.94, (0.92, 0.96))
    assert answer(make_entry(STRONG, accuracies))[-1] == (
        "The accuracy of Robust is above that of Deep; the other intervals overlap."
    )
    accuracies["Deep"] = (0.89, (0.86, 0.915))
    assert answer(make_entry(STRONG, accuracies))[-1] == (
        "Accuracy does not separate Robust from the other models."
    )


def test_what_was_not_run_is_not_said():
    plain = answer(make_entry(STRONG, attacked=False))
    assert plain[0] == "Robust: 90.0% accuracy (95% interval 85.0 to 94.0%)."
    assert plain[-1] == "No attack was run: this says nothing about robustness."
    assert answer({**make_entry({}, attacked=False)}) == [
        "No model has been trained yet."
    ]
    entry = make_entry(STRONG, evaluated=False)
    text = " ".join(answer(entry))
    assert "do not rank the models" in text
    assert not any(label in text for label in STRONG)
    assert [str(cell) for cell in summary({}, entry).header] == [
        "model", "accuracy, %", "HopSkipJump",
    ]  # fmt: skip
    # Nor is the table ordered by what HopSkipJump needs.
    assert [str(row[0]) for row in summary({}, entry).rows] == list(STRONG)
    # Without a certificate upper bounds are named, and no order is claimed.
    uncertified = {k: (None, *b[1:]) for k, b in STRONG.items()}
    text = " ".join(answer(make_entry(uncertified)))
    assert "needs 4.00 on Robust and 1.00 on Deep" in text
    assert "upper bounds, which separate no models" in text
    # One model, attacked before the others were.
    entry = make_entry(STRONG)
    for part in ("attack", "evaluation"):
        del entry[part]["models"]["MLP"], entry[part]["models"]["Deep"]
    text = " ".join(answer(entry))
    assert "separated" not in text
    assert "Accuracy does not separate the models." in text


def test_many_models_are_counted_not_listed():
    many = {"A": STRONG["Robust"]} | {f"B{k}": (None, TEN, TEN) for k in range(5)}
    many |= {f"C{k}": (None, 9 * TEN, 9 * TEN) for k in range(4)}
    text = " ".join(answer(make_entry(many)))
    assert "For these and 3 more models it needs less than" in text
    assert "It is not separated from the other 4 models." in text


@pytest.mark.parametrize("n", [0, 1, 5, 6, 10, 17, 60])
def test_interval_of_a_median_covers_it(n):
    """Counted: with the median in a gap, each value is below it half of the times."""
    values = np.random.default_rng(n).permutation(np.arange(1.0, n + 1))
    low, high = median_interval(values)
    k = int(low)  # the k-th of the values

    def coverage(k):
        return sum(comb(n, below) for below in range(k, n - k + 1)) / 2**n

    assert high == (inf if k == 0 else n + 1 - k)
    assert coverage(k) >= 0.95
    assert 2 * (k + 1) > n or coverage(k + 1) < 0.95


def test_most_is_judged_by_the_exact_interval():
    """As by the sign test, counted over all outcomes of ten tosses."""
    tosses = sum(len(list(combinations(range(10), k))) for k in (9, 10)) / 2**10
    assert tosses < 0.025
    assert is_most(9, 10)
    assert not is_most(8, 10)
    assert not is_most(5, 5)
    assert is_most(6, 6)
    assert not is_most(0, 0)
