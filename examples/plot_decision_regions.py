"""
========================================================
What do the decision regions of sign networks look like?
========================================================

One sign network cuts the plane into cells by straight lines and gives each cell a
class. The boundary of many such networks' vote is a staircase that can look smooth.
Color is the share of votes, or the predicted probability; the line is where the
prediction changes.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_scd import SCDClassifier

X, y = make_moons(n_samples=300, noise=0.25, random_state=0)

# %%
# In the plane, a hidden unit with binary weights has two directions only, the
# diagonals. It needs many features: with the coordinates along 16 axes, each turned a
# little further, sums and differences point everywhere.

angles = np.linspace(0, np.pi, 16, endpoint=False)
axes_turned = np.stack([np.cos(angles), np.sin(angles)])
vote = {"n_estimators": 100, "max_iter": 300, "random_state": 0}
binary = SCDClassifier("ce", binary_weights=True, **vote)
models = {
    "SCDCE, one network": SCDClassifier("ce", **{**vote, "n_estimators": 1}),
    "SCDCE, 100 votes": SCDClassifier("ce", **vote),
    "SCD01, 100 votes": SCDClassifier("01", **vote),
    "linear, 100 votes": SCDClassifier("01", hidden_units=0, **vote),
    "SCDCEBNN, 100 votes": binary,
    "SCDCEBNN, along 16 axes": make_pipeline(
        FunctionTransformer(lambda X: X @ axes_turned), binary
    ),
    "MLP, 20 units": MLPClassifier((20,), max_iter=3000, random_state=0),
    "random forest, 100 trees": RandomForestClassifier(random_state=0),
}

# %%
# The ensembles have a hundred members each, networks or trees; the MLP is a single
# model.

side = np.linspace(0, 1, 300)
(left, bottom), (right, top) = X.min(axis=0) - 0.4, X.max(axis=0) + 0.4
grid = np.stack(
    np.meshgrid(left + side * (right - left), bottom + side * (top - bottom)), axis=-1
)

fig, axes = plt.subplots(2, 4, figsize=(12, 5.8), layout="constrained")
for ax, (name, model) in zip(axes.flat, models.items(), strict=True):
    model.fit(X, y)
    share = model.predict_proba(grid.reshape(-1, 2))[:, 1].reshape(grid.shape[:2])
    ax.imshow(
        share,
        extent=(left, right, bottom, top),
        origin="lower",
        aspect="auto",
        cmap="RdYlBu",
        vmin=-0.3,
        vmax=1.3,
    )
    ax.contour(
        grid[..., 0], grid[..., 1], share, levels=[0.5], colors="0.15", linewidths=1
    )
    ax.scatter(
        *X.T, c=y, cmap="RdYlBu", s=12, edgecolors="0.15", linewidths=0.4, vmin=-0.15
    )
    ax.set(title=name, xticks=[], yticks=[])
plt.show()
