"""
=============================================
What makes sign networks robust, step by step
=============================================

An ensemble of sign networks trained on raw pixels is accurate and not robust: each
unit's weights are mostly noise, so that its hyperplane is close to every image. Three
steps change that: a **projection** on few directions, a **margin** in training, and
**noise** on copies of the images. Certified accuracy shows what each of them
contributes.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_scd import ActiveSubspace, SCDClassifier, make_robust_scd
from sklearn_scd.robustness import (
    certified_accuracy_scorer,
    certified_distortion,
    exact_distance,
)

X, y = load_digits(return_X_y=True)
X, y = X / 16, y % 2  # odd or even: no plane tells them apart
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=90, random_state=0, stratify=y
)
options = {"n_estimators": 11, "max_iter": 400, "random_state": 0, "n_jobs": 2}

# %%
# Step by step
# ------------
#
# A PCA without whitening makes no distance larger: a radius that is certified after it
# holds for the pixels. The same is true of an :class:`~sklearn_scd.ActiveSubspace`,
# which keeps the directions in which the classes change in place of those in which
# images differ. With a margin, training assumes the worst case for every unit whose
# hyperplane is within that distance of the image.

projection = ActiveSubspace(n_components=16, random_state=0)
margin = {"hidden_units": 20, "margin": 0.3}
models = {
    "raw pixels": SCDClassifier(**options),
    "PCA": make_pipeline(PCA(16, random_state=0), SCDClassifier(**options)),
    "active subspace": make_pipeline(projection, SCDClassifier(**options)),
    "... and a margin": make_pipeline(projection, SCDClassifier(**options, **margin)),
    "... and noise": make_robust_scd(noise=0.1, loss="ce", **margin, **options),
    "logistic regression": make_pipeline(LogisticRegression(C=0.1)),
}
distances = {}
for name, model in models.items():
    model.fit(X_train, y_train)
    linear = name == "logistic regression"
    measure = exact_distance if linear else certified_distortion
    distances[name] = measure(model, X_test, y_test)

# %%
# The distances of logistic regression are exact.

radii = np.linspace(0, 1.2, 241)
shades = dict(
    zip(models, ["#c6dbef", "#9ecae1", "#6baed6", "#2171b5", "#08306b"], strict=False)
)
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for name, found in distances.items():
    share = 100 * (found[:, np.newaxis] > radii).mean(axis=0)
    style = {"color": shades.get(name, "#b2182b"), "lw": 2}
    ax.step(radii, share, where="post", label=name, **style)
ax.legend(frameon=False)
ax.set(xlabel="L2 radius", ylabel="certified accuracy, %")
ax.set(xlim=(0, radii[-1]), ylim=(0, 103))
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Choosing the margin
# -------------------
#
# The margin trades accuracy for certified accuracy. A grid search finds the best one
# for the radius that matters, by cross-validation on the training images alone.

search = GridSearchCV(
    make_robust_scd(
        loss="ce",
        hidden_units=20,
        noise=0.1,
        **{**options, "n_estimators": 5, "max_iter": 200},
    ),
    {"scdclassifier__margin": [0.0, 0.15, 0.3, 0.45]},
    scoring={
        radius: certified_accuracy_scorer(float(radius), method="order")
        for radius in ("0", "0.2", "0.4")
    },
    refit="0.2",
    cv=3,
).fit(X_train, y_train)
print(search.best_params_)

fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
margins = search.cv_results_["param_scdclassifier__margin"].astype(float)
for radius, color in zip(search.scorer_, ("0.6", "#4292c6", "#08306b"), strict=True):
    share = 100 * search.cv_results_[f"mean_test_{radius}"]
    ax.plot(margins, share, "o-", color=color, lw=2, label=radius)
ax.legend(frameon=False, title="radius, L2")
ax.set(xlabel="margin in training", ylabel="certified accuracy, %")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
