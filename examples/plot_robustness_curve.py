"""
=========================================================
How robust is a model? Certified and attacked accuracy
=========================================================

How many images are still classified correctly when each may be changed a little? The
exact share is not known, but it lies in a band: at least the *certified accuracy*,
which is proven, and at most the *empirical robust accuracy*, which an attack
leaves. Here is the band of two models: sign networks on raw pixels, which are more
accurate, and robust ones.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_scd import SCDClassifier, make_robust_scd
from sklearn_scd.inspection import RobustnessCurveDisplay
from sklearn_scd.robustness import evaluate_robustness

X, y = load_digits(return_X_y=True)
X, y = X / 16, np.where(y % 2, "odd", "even")
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=100, random_state=0, stratify=y
)
radii = np.linspace(0, 1.2, 121)


def evaluate(model):
    """Certify and attack the test images."""
    return evaluate_robustness(
        model.fit(X_train, y_train),
        X_test,
        y_test,
        attacks="nearest_flip",
        epsilons=radii,
        random_state=0,
    )


evaluations = {
    "SCD, raw pixels": evaluate(SCDClassifier(n_estimators=50, random_state=0)),
    "robust SCD": evaluate(make_robust_scd(n_estimators=50, random_state=0)),
}


def draw(ax):
    """Draw a curve for each evaluation."""
    for name, evaluation in evaluations.items():
        RobustnessCurveDisplay.from_evaluation(evaluation, name=name, ax=ax)
    ax.set(xlabel="L2 radius of the perturbation", xlim=(0, radii[-1]))
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)


fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
draw(ax)
plt.show()

# %%
# Two more models
# ---------------
#
# A PCA alone does part of what the robust model does. The linear model needs no attack:
# its distances are exact, so that both curves are one.

evaluations["SCD after a PCA"] = evaluate(
    make_pipeline(
        PCA(16, random_state=0), SCDClassifier(n_estimators=50, random_state=0)
    )
)
linear = LogisticRegression(C=0.1).fit(X_train, y_train)

fig, ax = plt.subplots(figsize=(8, 4.6), layout="constrained")
draw(ax)
RobustnessCurveDisplay.from_estimator(
    linear, X_test, y_test, attacks=(), epsilons=radii, name="logistic regression",
    ax=ax, color="0.3",
)  # fmt: skip
ax.set(xlabel="L2 radius of the perturbation")
ax.legend(frameon=False)
plt.show()

# %%
# Image by image
# --------------
#
# The same two bounds for each image. On the diagonal the minimal adversarial
# perturbation is known exactly. No point can lie below it, which
# :func:`~sklearn_scd.robustness.evaluate_robustness` checks.

fig, ax = plt.subplots(figsize=(5.4, 5), layout="constrained")
for name, evaluation in evaluations.items():
    ax.plot(evaluation.certified, evaluation.nearest, "o", alpha=0.6, mew=0, label=name)
top = max(evaluation.nearest.max() for evaluation in evaluations.values())
ax.plot([0, top], [0, top], color="0.4", lw=1)
ax.legend(frameon=False)
ax.set(xlabel="certified radius, L2", ylabel="smallest perturbation found, L2")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
