"""
===========================================
Are shares of votes probabilities?
===========================================

Seven of ten votes for a class: is it right in seven of ten cases? Votes count networks
that were trained on the same samples, and share their mistakes. How far their shares
are from probabilities depends on loss and voting, and it can be mended.
"""

import matplotlib.pyplot as plt
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.datasets import make_moons
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from sklearn_scd import SCDClassifier

X_train, y_train = make_moons(n_samples=500, noise=0.4, random_state=0)
X_test, y_test = make_moons(n_samples=10_000, noise=0.4, random_state=1)

vote = {"n_estimators": 50, "max_iter": 300, "hidden_units": 10, "random_state": 0}
models = {
    "SCD01, votes": SCDClassifier("01", **vote),
    "SCDCE, votes": SCDClassifier("ce", **vote),
    "SCDCE, soft": SCDClassifier("ce", voting="soft", **vote),
    "SCDCE, calibrated": CalibratedClassifierCV(
        SCDClassifier("ce", **vote), method="isotonic", cv=5
    ),
    "random forest": RandomForestClassifier(min_samples_leaf=5, random_state=0),
    "logistic regression": LogisticRegression(),
}

# %%
# On the diagonal, shares are probabilities. The Brier score in the legend is the mean
# squared error of the probabilities: lower is better.

fig, (top, bottom) = plt.subplots(
    2, 1, figsize=(6.4, 8), layout="constrained", height_ratios=[3, 1.4], sharex=True
)
colors = ["C0", "C1", "C2", "C3", "0.5", "0.75"]
for (name, model), color in zip(models.items(), colors, strict=True):
    probabilities = model.fit(X_train, y_train).predict_proba(X_test)[:, 1]
    score = brier_score_loss(y_test, probabilities)
    CalibrationDisplay.from_predictions(
        y_test, probabilities, n_bins=10, ax=top, color=color, markersize=4,
        name=f"{name}: {score:.3f}",
    )  # fmt: skip
    bottom.hist(
        probabilities, bins=20, range=(0, 1), histtype="step", color=color, lw=1.5
    )
top.set(xlabel="", ylabel="share of class 1", aspect="auto")
top.legend(title="Brier score", frameon=False, loc="upper left")
bottom.set(
    xlabel="predicted probability of class 1", ylabel="test samples", xlim=(0, 1)
)
for ax in (top, bottom):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
