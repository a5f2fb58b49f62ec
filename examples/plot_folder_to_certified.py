"""
=============================================
From a folder of images to a certified model
=============================================

A folder with one folder per class is all it takes. This tutorial reads one, trains a
robust model, certifies the test images, attacks them, and shows the images that are
certified for the largest and the smallest perturbations.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from skimage.data import lfw_subset
from sklearn.model_selection import train_test_split

from sklearn_scd import make_robust_scd
from sklearn_scd.inspection import AdversarialDisplay, RobustnessCurveDisplay
from sklearn_scd.robustness import evaluate_robustness

# %%
# A folder of images
# ------------------
#
# You have one: skip this step. Here a hundred faces and a hundred pieces of background,
# which scikit-image ships, are written as files.

temporary = TemporaryDirectory()
folder = Path(temporary.name)
for i, pixels in enumerate(lfw_subset()):
    name = "face" if i < 100 else "background"
    (folder / name).mkdir(exist_ok=True)
    Image.fromarray((255 * pixels).astype("uint8")).save(folder / name / f"{i}.png")

# %%
# Read it
# -------
#
# Images become gray, of one size, with pixels in [0, 1]; each is a row of ``X``. If
# several images are of one person or patient, split with
# :class:`~sklearn.model_selection.GroupShuffleSplit` in place of ``train_test_split``.

height, width = 25, 25
files = sorted(folder.glob("*/*.png"))


def read(file):
    """Pixels of an image in one row."""
    with Image.open(file) as image:
        return np.asarray(image.convert("L").resize((width, height))).ravel() / 255


X = np.array([read(file) for file in files])
y = np.array([file.parent.name for file in files])
temporary.cleanup()

X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=60, random_state=0, stratify=y
)
fig, axes = plt.subplots(2, 8, figsize=(9, 2.6), layout="constrained")
for row, name in zip(axes, ("face", "background"), strict=True):
    for ax, pixels in zip(row, X_train[y_train == name], strict=False):
        ax.imshow(pixels.reshape(height, width), cmap="gray", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(name)
plt.show()

# %%
# Train
# -----
#
# The margin and the noise follow the data. Leave out ``n_estimators`` for a model of
# full size.

model = make_robust_scd(n_estimators=20, random_state=0)
model.fit(X_train, y_train)
print(f"Accuracy: {model.score(X_test, y_test):.1%}")

# %%
# Certify and attack
# ------------------
#
# :func:`~sklearn_scd.robustness.evaluate_robustness` does both, on the same images.

evaluation = evaluate_robustness(
    model, X_test, y_test, attacks="nearest_flip", random_state=0
)
fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
RobustnessCurveDisplay.from_evaluation(evaluation, ax=ax)
ax.set(xlabel="L2 radius of the perturbation", xlim=(0, None))
ax.legend(["certified accuracy", "empirical robust accuracy"], frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Which images are safe?
# ----------------------
#
# Adversarial images of the two correctly classified images with the smallest certified
# radius, above, and of the two with the largest, below.

correct = np.flatnonzero(model.predict(X_test) == y_test)
by_radius = correct[np.argsort(evaluation.certified[correct])]
shown = np.concatenate([by_radius[:2], by_radius[-2:]])
found = evaluation.attacks["nearest_flip"]
AdversarialDisplay.from_estimator(
    model, X_test[shown], found.adversarials[shown], (height, width)
)
plt.show()
