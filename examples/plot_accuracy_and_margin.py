"""
=====================================
How much accuracy does a margin cost?
=====================================

A larger margin in training costs accuracy on unperturbed images and gains certified
accuracy at large radii. The right margin depends on the perturbation budget that
matters. This example trains a model for each margin and compares both.
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_scd import make_robust_scd
from sklearn_scd.inspection import AdversarialDisplay, LossCurveDisplay
from sklearn_scd.robustness import certified_distortion, nearest_flip

X, y = load_digits(return_X_y=True)
X, y = X / 16, np.where(y % 2, "odd", "even")
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=90, random_state=0, stratify=y
)
margins = [0.0, 0.15, 0.3, 0.45, 0.6]
models = {
    margin: make_robust_scd(
        loss="ce",
        hidden_units=20,
        margin=margin,
        noise=0.1,
        n_estimators=11,
        max_iter=300,
        random_state=0,
        n_jobs=2,
    ).fit(X_train, y_train)
    for margin in margins
}

# %%
# Training
# --------
#
# :class:`~sklearn_scd.inspection.LossCurveDisplay` draws the median of the networks and
# their quartiles. The loss is that of the worst case within the margin, which grows in
# training, so that with a large margin the curve rises before it falls.

fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for margin in (0.0, 0.3, 0.6):
    LossCurveDisplay.from_estimator(models[margin], name=f"margin {margin}", ax=ax)
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Accuracy
# --------
#
# Certified accuracy at a radius is the share of test images that are classified
# correctly under every perturbation of that L2 size. At radius 0 it is the accuracy.

certified = {
    margin: certified_distortion(model, X_test, y_test)
    for margin, model in models.items()
}
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for radius, color in zip((0.0, 0.2, 0.4), ("0.5", "#4292c6", "#08306b"), strict=True):
    shares = [
        model.score(X_test, y_test) if radius == 0 else np.mean(distances > radius)
        for model, distances in zip(models.values(), certified.values(), strict=True)
    ]
    ax.plot(margins, 100 * np.array(shares), "o-", color=color, lw=2, label=radius)
ax.legend(frameon=False, title="radius, L2")
ax.set(xlabel="margin in training", ylabel="certified accuracy, %", ylim=(0, 103))
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Adversarial images
# ------------------
#
# The smallest perturbations that a white-box attack finds, for the same three images
# and two of the models. :class:`~sklearn_scd.inspection.AdversarialDisplay` draws the
# perturbations and tells their size.

right = np.all([models[m].predict(X_test) == y_test for m in (0.0, 0.3)], axis=0)
chosen = np.flatnonzero(right)[:3]
for margin in (0.0, 0.3):
    found = nearest_flip(models[margin], X_test[chosen], y_test[chosen], random_state=0)
    display = AdversarialDisplay.from_result(
        found, X_test[chosen], (8, 8), estimator=models[margin]
    )
    display.figure_.suptitle(f"margin {margin}")
    plt.show()
