"""
======================================
How to choose parameters in a pipeline
======================================

An ``SCDClassifier`` works wherever a scikit-learn classifier does. Here it follows a
scaler and a PCA, and a grid search chooses how many components the PCA keeps and how
many hidden units a network has.
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
print(f"Test accuracy: {search.score(X_test, y_test):.1%}")

# %%
# Left, accuracy over the grid; with 0 hidden units the networks are linear classifiers.
# Right, the share of votes for a benign tumor over two components, and the test
# samples; misclassified ones have black rings.

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
rows, columns = grid.values()
table = 100 * search.cv_results_["mean_test_score"].reshape(len(rows), len(columns))
image = left.imshow(table, cmap="Blues", origin="lower", aspect="auto")
for i, j in np.ndindex(table.shape):
    color = "white" if image.norm(table[i, j]) > 0.6 else "0.15"
    left.text(j, i, f"{table[i, j]:.1f}", ha="center", va="center", color=color)
left.set_xticks(range(len(columns)), columns)
left.set_yticks(range(len(rows)), rows)
left.set(xlabel="hidden units", ylabel="components of the PCA")
left.set_title("accuracy in cross-validation, %")

pair = pipeline.set_params(reduce__n_components=2).fit(X_train, y_train)
seen = pair[:-1].transform(X_test)
DecisionBoundaryDisplay.from_estimator(
    pair[-1], seen, response_method="predict_proba", plot_method="pcolormesh",
    grid_resolution=300, ax=right, cmap="RdBu", vmin=-0.4, vmax=1.4,
)  # fmt: skip
right.scatter(*seen.T, c=y_test, cmap="RdBu", s=24, edgecolors="white", linewidths=0.5)
wrong = pair.predict(X_test) != y_test
right.scatter(*seen[wrong].T, s=80, facecolors="none", edgecolors="black", lw=1.5)
right.set(xlabel="first component", ylabel="second component")
right.set_title(f"two components: test accuracy {pair.score(X_test, y_test):.1%}")
plt.show()
