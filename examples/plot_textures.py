"""
===============================================
Textures: sign units on patches, and smoothing
===============================================

Is a tile of a photograph grass or gravel? What tells the two apart may lie anywhere in
the tile, so no pixel by itself means anything, and networks on pixels fail.
:class:`~sklearn_scd.SignConvolution` looks at all patches of a tile and counts on how
many of them a unit is active. Behind it sign networks tell textures apart, and
:class:`~sklearn_scd.robustness.SmoothedClassifier` certifies them.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd import SCDClassifier, SignConvolution, make_robust_scd
from sklearn_scd.robustness import SmoothedClassifier, certified_distortion

SIDE = 32


def tiles(photograph):
    """Cut the left and the right half into rows of pixels."""
    n = len(photograph) // SIDE
    cut = photograph.reshape(n, SIDE, n, SIDE).swapaxes(1, 2) / 255
    return (half.reshape(-1, SIDE * SIDE) for half in np.split(cut, 2, axis=1))


halves = {"grass": tiles(data.grass()), "gravel": tiles(data.gravel())}
X_train, X_test = map(np.concatenate, zip(*halves.values(), strict=True))
y_train = y_test = np.repeat(list(halves), len(X_train) // 2)

fig, axes = plt.subplots(2, 8, figsize=(8, 2.2), layout="constrained")
for name, row in zip(halves, axes, strict=True):
    row[0].set_ylabel(name)
    for tile, ax in zip(X_train[y_train == name][::16], row, strict=True):
        ax.imshow(tile.reshape(SIDE, SIDE), cmap="gray", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
plt.show()

# %%
# In pixels and on patches
# ------------------------
#
# The layer is not trained. A unit's weights are the difference of two patches of the
# training images, its threshold lies just above a quantile of its sums, and its output
# is the share of patches on which it is active. ``n_regions`` would keep these shares
# apart by where the patches lie: on images in which the position matters.

networks = SCDClassifier(n_estimators=20, random_state=0)
layer = SignConvolution((SIDE, SIDE), n_filters=100, random_state=0)
on_patches = make_pipeline(layer, StandardScaler(), networks)
for name, model in {"pixels": networks, "patches": on_patches}.items():
    accuracy = model.fit(X_train, y_train).score(X_test, y_test)
    print(f"{name:8} {accuracy:.1%} of the test tiles are right")

# %%
# What one unit sees: in white the patches of four tiles on which it is active.

weights, bias = layer.coef_[0].reshape(3, 3), layer.intercept_[0]
fig, axes = plt.subplots(1, 4, figsize=(8, 2.3), layout="constrained")
for i, ax in zip((0, 70, 150, 220), axes, strict=True):
    patches = np.lib.stride_tricks.sliding_window_view(
        X_test[i].reshape(SIDE, SIDE), weights.shape
    )
    active = (patches * weights).sum(axis=(2, 3)) + bias > 0
    ax.imshow(active, cmap="gray")
    ax.set(xticks=[], yticks=[], title=f"{y_test[i]}: {active.mean():.0%}")
plt.show()

# %%
# Certified by noise
# ------------------
#
# A count over patches is no affine map, so the hyperplanes behind it say nothing of the
# pixels. Smoothing certifies any classifier, with a stated confidence, if it has seen
# noise: ``n_train_copies`` trains it on noisy copies. More noise certifies larger
# perturbations and blurs more; by 500 copies of an image no radius is larger than 2.2
# times the noise. For comparison a model with proofs, on the pixels, which has larger
# radii on the tiles that it gets right.

radii = {}
robust = make_robust_scd(n_estimators=20, random_state=0).fit(X_train, y_train)
radii["robust, on pixels, proven"] = certified_distortion(robust, X_test, y_test)
for sigma in (0.1, 0.25):
    smoothed = SmoothedClassifier(
        on_patches, sigma, n_samples=500, n_train_copies=8, random_state=0
    ).fit(X_train, y_train)
    name = f"on patches, noise of {sigma}"
    radii[name] = smoothed.certified_distortion(X_test, y_test)

sizes = np.linspace(0, 1, 101)
fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for name, radius in radii.items():
    ax.plot(sizes, [(radius > size).mean() for size in sizes], label=name)
ax.set(
    xlabel="L2 radius of the perturbation",
    ylabel="certified accuracy",
    xlim=(0, 1),
    ylim=(0, 1),
)
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()
