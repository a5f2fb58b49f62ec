"""
===========================================
A pipeline with PCA, and a grid search
===========================================

An ``SCDClassifier`` goes where any classifier of scikit-learn goes. Here it stands
behind a scaler and a PCA, and a grid search chooses how many components the PCA keeps
and how many hidden units a network has.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd import SCDClassifier

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

pipeline = Pipeline(
    [
        ("scale", StandardScaler()),
        ("reduce", PCA(random_state=0)),
        ("vote", SCDClassifier(n_estimators=15, max_iter=200, random_state=0)),
    ]
)
grid = {"reduce__n_components": [2, 4, 8, 16], "vote__hidden_units": [0, 2, 8, 20]}
search = GridSearchCV(pipeline, grid, cv=5).fit(X_train, y_train)
print(search.best_params_)
print(f"{search.score(X_test, y_test):.1%} of the test set right")

# %%
# Accuracy and time over the grid
# -------------------------------
#
# With 0 hidden units the networks are linear classifiers.

fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
columns = {
    "accuracy in cross-validation, %": (100 * search.cv_results_["mean_test_score"], 1),
    "seconds a fit": (search.cv_results_["mean_fit_time"], 2),
}
rows, across = grid.values()
for ax, (title, (values, digits)) in zip(axes, columns.items(), strict=True):
    table = values.reshape(len(rows), len(across))
    image = ax.imshow(table, cmap="Blues", origin="lower", aspect="auto")
    for i, j in np.ndindex(table.shape):
        dark = image.norm(table[i, j]) > 0.6
        ax.text(
            j, i, f"{table[i, j]:.{digits}f}",
            ha="center", va="center", color="white" if dark else "0.15",
        )  # fmt: skip
    ax.set_xticks(range(len(across)), across)
    ax.set_yticks(range(len(rows)), rows)
    ax.set(xlabel="hidden units", ylabel="components", title=title)
plt.show()

# %%
# What the votes see of two components
# ------------------------------------
#
# With two components, decisions can be drawn: the share of votes for a benign tumour,
# and the test samples, those that are misclassified in black rings.

pair = pipeline.set_params(reduce__n_components=2).fit(X_train, y_train)
seen = pair[:-1].transform(X_test)
fig, ax = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
display = DecisionBoundaryDisplay.from_estimator(
    pair[-1], seen, response_method="predict_proba", plot_method="pcolormesh",
    grid_resolution=200, ax=ax, cmap="RdBu", vmin=-0.3, vmax=1.3,
)  # fmt: skip
ax.scatter(*seen.T, c=y_test, cmap="RdBu", s=18, edgecolors="white", linewidths=0.5)
wrong = pair.predict(X_test) != y_test
ax.scatter(*seen[wrong].T, s=70, facecolors="none", edgecolors="black", linewidths=1.5)
ax.set(xlabel="first component", ylabel="second component")
ax.set_title(f"{pair.score(X_test, y_test):.1%} right")
plt.show()
