"""
==================================
Are shares of votes probabilities?
==================================

If seven of ten networks vote for a class, is it the right one in seven of ten cases?
No: the networks were trained on the same samples and share their mistakes. How far
shares of votes are from probabilities depends on loss and voting, and calibration
corrects it.
"""

import matplotlib.pyplot as plt
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.datasets import make_moons
from sklearn.ensemble import RandomForestClassifier
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
}

# %%
# On the diagonal, shares are probabilities. The Brier score in the legend is the mean
# squared error of the probabilities: lower is better. Below, how often each probability
# is predicted.
#
# Shares of votes are overconfident: nearly all networks agree on samples of which one
# in eight is of the other class. ``voting='soft'`` takes the mean of the networks'
# probabilities instead, and calibration learns from held-out samples what a share of
# votes is worth.

fig, axes = plt.subplot_mosaic(
    [["curves"] * len(models), list(models)],
    figsize=(8, 7),
    layout="constrained",
    height_ratios=[3, 1],
)
colors = ["C0", "C1", "C2", "C3", "0.5"]
for (name, model), color in zip(models.items(), colors, strict=True):
    probabilities = model.fit(X_train, y_train).predict_proba(X_test)[:, 1]
    score = brier_score_loss(y_test, probabilities)
    CalibrationDisplay.from_predictions(
        y_test, probabilities, n_bins=10, ax=axes["curves"], color=color, markersize=4,
        name=f"{name}: {score:.3f}",
    )  # fmt: skip
    axes[name].hist(probabilities, bins=20, range=(0, 1), color=color)
    axes[name].set(title=name, xlim=(0, 1), ylim=(0, 4300), xticks=[0, 1], yticks=[])
axes["curves"].legend(title="Brier score", frameon=False, loc="upper left")
axes["curves"].set(ylabel="share of class 1", xlabel="predicted probability of class 1")
for ax in axes.values():
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
