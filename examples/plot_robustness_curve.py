"""
===========================================
Accuracy under perturbations
===========================================

How many images are still right when each may be changed a little? The share that stands
every change of a size is not known exactly, but it lies in a band: at least what
certificates prove, at most what attacks leave.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import lfw_subset
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_scd import SCDClassifier, make_robust_scd
from sklearn_scd.inspection import RobustnessCurveDisplay
from sklearn_scd.robustness import evaluate_robustness

images = lfw_subset()  # a hundred faces, a hundred pieces of background
X, y = images.reshape(200, -1), np.repeat(["face", "background"], 100)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=60, random_state=0, stratify=y
)

options = {"n_estimators": 20, "max_iter": 300, "random_state": 0}
networks = {
    "SCDCE in pixels": SCDClassifier(**options),
    "behind a PCA": make_pipeline(PCA(16, random_state=0), SCDClassifier(**options)),
    "robust": make_robust_scd(margin=0.5, noise=0.5, **options),
}
linear = LogisticRegression(C=0.1).fit(X_train, y_train)
for model in networks.values():
    model.fit(X_train, y_train)

# %%
# Solid lines are certified, dashed ones what the attack that knows the hyperplanes
# leaves; the truth is in between. The linear model needs no attack: its distances are
# exact.

fig, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
sizes = np.linspace(0, 3, 151)
evaluations = {}
for name, model in networks.items():
    evaluations[name] = evaluate_robustness(
        model, X_test, y_test, attacks=["nearest_flip"], epsilons=sizes, random_state=0
    )
    RobustnessCurveDisplay.from_evaluation(evaluations[name], name=name, ax=ax)
RobustnessCurveDisplay.from_estimator(
    linear,
    X_test,
    y_test,
    attacks=(),
    epsilons=sizes,
    name="linear",
    ax=ax,
    color="0.4",
)
ax.set_xlim(0, sizes[-1])
ax.legend(frameon=False, fontsize="small")
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Image by image
# --------------
#
# The same bounds of each image. On the diagonal its distance is known exactly; no point
# can lie below it, which
# :func:`~sklearn_scd.robustness.evaluate_robustness` checks.

fig, ax = plt.subplots(figsize=(5.4, 5), layout="constrained")
for name, evaluation in evaluations.items():
    ax.plot(evaluation.certified, evaluation.nearest, "o", alpha=0.6, mew=0, label=name)
top = max(evaluation.nearest.max() for evaluation in evaluations.values())
ax.plot([0, top], [0, top], color="0.4", lw=1)
ax.legend(frameon=False)
ax.set(xlabel="certified distance, L2", ylabel="nearest adversarial image, L2")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
