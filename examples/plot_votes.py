"""
===============================================
What does an adversarial image do to the votes?
===============================================

Fifty-one networks vote on an image, and their agreement is a measure of confidence. An
adversarial perturbation changes just enough of the votes. The smallest one ends where
the votes are split, and low agreement reveals it.
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import lfw_subset
from sklearn.model_selection import train_test_split

from sklearn_scd import SCDClassifier, make_robust_scd
from sklearn_scd.inspection import VoteDisplay
from sklearn_scd.robustness import certified_distortion, nearest_flip

images = lfw_subset()  # a hundred faces, a hundred pieces of background
X, y = images.reshape(200, -1), np.repeat(["face", "background"], 100)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=40, random_state=0, stratify=y
)

options = {"n_estimators": 51, "max_iter": 300, "random_state": 0}
models = {
    "raw pixels": SCDClassifier(**options),
    "robust": make_robust_scd(margin=0.5, noise=0.5, **options),
}
found = {}
for name, model in models.items():
    model.fit(X_train, y_train)
    found[name] = nearest_flip(model, X_test, y_test, random_state=0)
    print(f"{name}: accuracy {model.score(X_test, y_test):.0%}, median size of the "
          f"perturbations {np.median(found[name].distances):.2f}")  # fmt: skip

# %%
# All test images
# ---------------
#
# :class:`~sklearn_scd.inspection.VoteDisplay` counts votes for the true class. Left of
# the dotted line an image is misclassified. Adversarial images lie there, as close to
# the line as the attack could bring them.

fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    right = found[name].status == "attacked"
    VoteDisplay.from_estimator(
        model,
        X_test,
        y_test,
        X_adversarial=np.where(right[:, None], found[name].adversarials, np.nan),
        name=name,
        ax=ax,
    )
    ax.legend(loc="upper left")
plt.show()

# %%
# One of them
# -----------
#
# The perturbation, four times as strong, is scattered over single pixels for the first
# model. For the robust one it is much larger, and has the shape of a face.

right = np.all([result.status == "attacked" for result in found.values()], axis=0)
i = np.flatnonzero(right & (y_test == "face"))[0]
fig, axes = plt.subplots(2, 3, figsize=(7.2, 5.2), layout="constrained")
for row, (name, model) in zip(axes, models.items(), strict=True):
    adversarial = found[name].adversarials[i]
    distance = found[name].distances[i]
    shares = model.predict_proba([X_test[i], adversarial])[:, 1]  # of "face"
    row[0].imshow(X_test[i].reshape(25, 25), cmap="gray", vmin=0, vmax=1)
    row[0].set_title(f"face: {shares[0]:.0%} of votes")
    row[0].set_ylabel(name)
    change = 0.5 + 4 * (adversarial - X_test[i])
    row[1].imshow(change.reshape(25, 25), cmap="RdBu_r", vmin=0, vmax=1)
    row[1].set_title(f"perturbation, L2 {distance:.2f}")
    row[2].imshow(adversarial.reshape(25, 25), cmap="gray", vmin=0, vmax=1)
    row[2].set_title(f"face: {shares[1]:.0%} of votes")
    for ax in row:
        ax.set(xticks=[], yticks=[])
plt.show()

# %%
# On the way
# ----------
#
# From the image through its adversarial one and on, to twice the distance. On raw
# pixels the attack changes as many votes as it needs, all at one point; going on
# changes no more, because the perturbation means nothing to the others. Of the robust
# model nearly all votes change, one by one. Below the certified radius, shaded, no
# direction leads to another class.

fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for (name, model), color in zip(models.items(), ("C0", "C1"), strict=True):
    steps = np.linspace(0, 2, 201)[:, np.newaxis]
    way = X_test[i] + steps * (found[name].adversarials[i] - X_test[i])
    sizes = found[name].distances[i] * steps[:, 0]
    votes = model.predict_proba(way)[:, 1]
    ax.step(sizes, votes, where="post", color=color, lw=2, label=name)
    ax.plot(found[name].distances[i], votes[100], "X", color=color, ms=9)
    certified = certified_distortion(model, X_test[[i]], y_test[[i]])[0]
    ax.axvspan(0, certified, color=color, alpha=0.15, lw=0)
ax.axhline(0.5, color="0.5", ls=":", lw=1)
ax.legend(frameon=False)
ax.set(xlabel="L2 distance from the image", ylabel='share of votes for "face"')
ax.set(xlim=(0, None), ylim=(-0.03, 1.03))
ax.spines[["top", "right"]].set_visible(False)
plt.show()
