"""
=============================================
Which number to trust: certificate or attack?
=============================================

Three numbers bound the minimal adversarial perturbation of a sample. The **certified
radius** is proven: no smaller perturbation changes the prediction. The **white-box
attack** found a sample of the other class, and so did **HopSkipJump**, a decision-based
attack. The truth lies between the first two; the third can be far away from it.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, make_moons
from sklearn.model_selection import train_test_split

from sklearn_scd import SCDClassifier
from sklearn_scd.robustness import (
    certified_distortion,
    minimum_distortion,
    nearest_flip,
    robust_accuracy,
)

BLUE, RED, INK = "#2166ac", "#b2182b", "0.15"

# %%
# In the plane
# ------------
#
# Thin lines are the hyperplanes of all hidden units: a prediction can change only on
# one of them. The disc is certified, the cross is the sample that the white-box attack
# found, the diamond what HopSkipJump found in ten iterations.

X, y = make_moons(n_samples=300, noise=0.2, random_state=0)
X = (X - X.min(axis=0)) / np.ptp(X, axis=0)
model = SCDClassifier(n_estimators=9, hidden_units=8, max_iter=300, random_state=0)
model.fit(X, y)

chosen = [52, 257, 259]  # correct, and far enough from the boundary to be seen
samples, labels = X[chosen], y[chosen]
certified = certified_distortion(model, samples, labels)
nearest = nearest_flip(model, samples, labels, random_state=0)
blind = minimum_distortion(
    model, samples, labels, X_train=X, n_restarts=1, max_iter=10, random_state=0
)

side = np.linspace(0, 1, 400)
grid = np.stack(np.meshgrid(side, side), axis=-1)
share = model.predict_proba(grid.reshape(-1, 2))[:, 1].reshape(grid.shape[:2])

fig, ax = plt.subplots(figsize=(6.4, 6), layout="constrained")
ax.imshow(
    share,
    extent=(0, 1, 0, 1),
    origin="lower",
    cmap="RdBu_r",
    alpha=0.45,
    vmin=0,
    vmax=1,
)
for w, b in zip(
    model.hidden_coef_.reshape(-1, 2), model.hidden_intercept_.ravel(), strict=True
):
    foot = -b * w / (w @ w)
    ends = foot + np.outer([-3, 3], [-w[1], w[0]])
    ax.plot(*ends.T, color="white", linewidth=0.6, alpha=0.7)
ax.contour(side, side, share, levels=[0.5], colors=INK, linewidths=1.4)
for i, x in enumerate(samples):
    ax.add_patch(plt.Circle(x, certified[i], facecolor="none", edgecolor=INK, lw=1.6))
    ax.plot(*np.stack([x, nearest.adversarials[i]]).T, color=RED, lw=1.6)
    ax.plot(*np.stack([x, blind.adversarials[i]]).T, color=BLUE, lw=1.2, ls="--")
ax.plot(*samples.T, "o", color=INK, ms=5, label="sample, with its certified disc")
ax.plot(*nearest.adversarials.T, "X", color=RED, ms=9, label="white-box attack")
ax.plot(*blind.adversarials.T, "D", color=BLUE, ms=6, label="HopSkipJump")
ax.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
ax.legend(loc="lower left", framealpha=0.9)
plt.show()

# %%
# In 64 dimensions
# ----------------
#
# The digits 3 and 8, pixels between 0 and 1. The curves are certified accuracy, and
# empirical robust accuracy under each attack.

X, y = load_digits(return_X_y=True)
X, y = X[(y == 3) | (y == 8)] / 16, y[(y == 3) | (y == 8)]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
X_test, y_test = X_test[:30], y_test[:30]
model = SCDClassifier(n_estimators=50, max_iter=300, random_state=0)
model.fit(X_train, y_train)

curves = {
    "certified": certified_distortion(model, X_test, y_test),
    "white-box attack": nearest_flip(model, X_test, y_test, random_state=0),
    "HopSkipJump, 30 iterations": minimum_distortion(
        model, X_test, y_test, X_train=X_train, n_restarts=1, max_iter=30,
        random_state=0,
    ),
}  # fmt: skip

epsilons = np.linspace(0, 1.25, 251)
fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for (name, found), color in zip(curves.items(), (INK, RED, BLUE), strict=True):
    curve = robust_accuracy(found, epsilons)
    ax.step(
        epsilons, 100 * curve.accuracies, where="post", color=color, lw=2, label=name
    )
ax.legend(frameon=False)
ax.set(xlabel="L2 radius of the perturbation", ylabel="accuracy, %", ylim=(0, 103))
ax.set_xlim(0, epsilons[-1])
ax.spines[["top", "right"]].set_visible(False)
plt.show()
