"""How well the disagreement of votes tells adversarial images, from its record."""

import numpy as np
from scipy.stats import binomtest

from benchmarks.common.table import Table, slug
from benchmarks.medical.reading import NOTHING, distance, named_attack

N_DRAWS = 2_000  # of the bootstrap


def detection(record: dict) -> Table:
    """Return, for each model and attack, what is flagged and what it costs."""
    name = record["dataset"]["name"]
    rates: list[str] = []
    rows = []
    for model in record["models"].values():
        rates = list(model["thresholds"])
        clean = np.array(model["agreement_clean"])
        for attack, found in model["attacks"].items():
            agreed = np.array([a for a in found["agreement"] if a is not None])
            sizes = [d for d in found["distances"] if d]
            row = [model["label"], attack_label(attack), str(agreed.size)]
            if not agreed.size:
                rows.append([*row, *[NOTHING] * (3 + len(rates))])
                continue
            row += [distance(float(np.median(sizes))), f"{np.median(agreed):.2f}"]
            row.append(_auc_text(clean, agreed))
            flagged = [agreed < model["thresholds"][rate] for rate in rates]
            rows.append([*row, *map(_share, flagged)])
    settings = record["settings"]
    n_clean = {len(m["agreement_clean"]) for m in record["models"].values()}
    return Table(
        f"detection-{slug(name).lower()}",
        "",
        f"{name}: adversarial images told by the disagreement of votes",
        "",
        ["Model", "Attack", "Images", "Median L2", "Agreement", "AUC"]
        + [f"Flagged at {100 * float(rate):g}%, %" for rate in rates],
        rows,
        notes=[
            f"{record['arguments']['votes']} votes. Thresholds from "
            f"{' and '.join(map(str, sorted(n_clean)))} clean test images, at the "
            "stated rates of false alarms; none of them is attacked. HopSkipJump: "
            f"{settings['restarts']} restarts of {settings['max_iter']} iterations. "
            "Agreement: median share of votes for the decision. AUC: of clean against "
            "adversarial images, with a 95% interval by the bootstrap. Flagged: with "
            "Wilson's 95% interval."
        ],
    )


def attack_label(attack: str) -> str:
    """Name an attack, and which detector it knows."""
    name, _, rate = attack.partition(", ")
    label = named_attack(name)
    return f"{label}, knows the {100 * float(rate):g}% threshold" if rate else label


def roc_auc(clean: np.ndarray, adversarial: np.ndarray) -> float:
    """Return the probability that the adversarial image has less agreement."""
    below = adversarial[:, np.newaxis] < clean
    equal = adversarial[:, np.newaxis] == clean
    return float(np.mean(below + 0.5 * equal))


def roc_band(
    clean: np.ndarray, adversarial: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the ROC curve of low agreement, with Wilson's interval at each threshold.

    Parameters
    ----------
    clean, adversarial : ndarray of float
        Agreement of the votes on images of each kind.

    Returns
    -------
    rates, hits, low, high : ndarray of shape (n_thresholds,)
        In per cent: clean images flagged, adversarial ones, and the interval of those.
    """
    thresholds = np.unique(np.concatenate([clean, adversarial, [np.inf]]))
    rates = [100 * float(np.mean(clean < t)) for t in thresholds]
    n_hits = [int(np.sum(adversarial < t)) for t in thresholds]
    n = adversarial.size
    intervals = [binomtest(k, n).proportion_ci(method="wilson") for k in n_hits]
    low = [100 * interval.low for interval in intervals]
    high = [100 * interval.high for interval in intervals]
    hits = [100 * k / n for k in n_hits]
    return np.array(rates), np.array(hits), np.array(low), np.array(high)


def _auc_text(clean: np.ndarray, adversarial: np.ndarray) -> str:
    rng = np.random.default_rng(0)
    draws = [
        roc_auc(
            rng.choice(clean, clean.size), rng.choice(adversarial, adversarial.size)
        )
        for _ in range(N_DRAWS)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{roc_auc(clean, adversarial):.2f} ({low:.2f} to {high:.2f})"


def _share(flagged: np.ndarray) -> str:
    n_flagged, n = int(flagged.sum()), flagged.size
    interval = binomtest(n_flagged, n).proportion_ci(method="wilson")
    ends = f"{100 * interval.low:.0f} to {100 * interval.high:.0f}"
    return f"{100 * n_flagged / n:.0f} ({ends})"
