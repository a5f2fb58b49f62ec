"""
=============================
What do hidden units look at?
=============================

A hidden unit has a weight per pixel: an image. Trained on raw pixels, most of it is the
noise that it started from. After a PCA units look at parts of a face, and the units of
the robust model at coarser ones.
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import lfw_subset
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_scd import SCDClassifier, make_robust_scd
from sklearn_scd.inspection import HiddenUnitsDisplay

# %%
# A hundred faces and a hundred pieces of background, 25 by 25 pixels, all of which
# scikit-image ships.

images = lfw_subset()
X, y = images.reshape(200, -1), np.repeat(["face", "background"], 100)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=60, random_state=0, stratify=y
)

fig, ax = plt.subplots(figsize=(7, 1.5), layout="constrained")
rows = [np.hstack(images[start : start + 10]) for start in (0, 100)]
ax.imshow(np.vstack(rows), cmap="gray")
ax.set_axis_off()
plt.show()

# %%
# Four trainings
# --------------
#
# After a PCA a unit has a weight per component.
# :class:`~sklearn_scd.inspection.HiddenUnitsDisplay` maps these back to the pixels,
# through any affine steps. Bright red pixels and dark blue ones make a unit active.
# Each panel shows the units with the largest output weights, all on one scale.

options = {"n_estimators": 20, "max_iter": 500, "random_state": 0}
models = {
    "raw pixels": SCDClassifier(**options),
    "binary, raw pixels": SCDClassifier(binary_weights=True, **options),
    "after a PCA": make_pipeline(PCA(16, random_state=0), SCDClassifier(**options)),
    "robust": make_robust_scd(margin=0.5, noise=0.5, **options),
}
fig, axes = plt.subplots(2, 2, figsize=(8.6, 7.4), layout="constrained")
for ax, (name, model) in zip(axes.flat, models.items(), strict=True):
    share = model.fit(X_train, y_train).score(X_test, y_test)
    HiddenUnitsDisplay.from_estimator(
        model,
        (25, 25),
        ax=ax,
        name=f"{name}: {share:.0%} accuracy",
        vmin=-0.12,
        vmax=0.12,
    )
plt.show()
