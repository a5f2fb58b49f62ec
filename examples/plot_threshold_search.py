"""
==========================================
How does training find the best threshold?
==========================================

A step function has no gradient, but it has few places to step: with its direction
fixed, a hidden unit can split a training set in as many ways as there are gaps between
its projections. The search over all of them is exact, and bounds skip most of it.
"""

# sphinx_gallery_thumbnail_number = 3

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_blobs

ON, OFF, INK, BEST = "#b2182b", "#2166ac", "0.15", "#1a9850"

X, y = make_blobs(
    [30, 40, 30], centers=[[-2.2, -0.4], [0.6, 1.4], [2.8, -0.6]], random_state=7
)  # fmt: skip
X -= X.mean(axis=0)

# %%
# A gain for each sample
# ----------------------
#
# The other units of the network stay as they are. So each sample has a gain from an
# active unit: here +1 for samples of the class in the middle, -1 for all others; under
# cross-entropy, the decrease of its loss. The unit is active where the projection is
# above the threshold :math:`t` and earns the sum of all gains above it. That sum
# changes only where :math:`t` passes a sample.

gains = np.where(y == 1, 1, -1)


def search(values):
    """Thresholds between the values, in order, and the sum of the gains above each."""
    order = np.argsort(values)
    edges = np.concatenate([[-5], values[order], [5]])
    sums = np.append(np.cumsum(gains[order][::-1])[::-1], 0)
    return (edges[:-1] + edges[1:]) / 2, sums


w = np.array([0.28, 0.96])
values = X @ w
thresholds, sums = search(values)
best = sums.argmax()
print(f"{len(sums)} thresholds, the best earns {sums[best]}.")

# %%
# Above, the unit's direction and three of its hyperplanes, among them the best. In the
# middle, samples along that direction, and below the gain of each threshold.

tried = {"0.75": 20, "0.45": 75, BEST: best}
fig, axes = plt.subplots(
    3, 1, figsize=(7, 7.6), layout="constrained", height_ratios=[3.2, 1, 2]
)
plane, line, curve = axes
for color, i in tried.items():
    ends = thresholds[i] * w + np.outer([-9, 9], [-w[1], w[0]])
    plane.plot(*ends.T, color=color, lw=2)
    line.axvline(thresholds[i], color=color, lw=2, zorder=0)
    curve.plot(thresholds[i], sums[i], "o", color=color, ms=9)
colors = np.where(gains > 0, ON, OFF)
plane.scatter(*X.T, c=colors, s=28, edgecolors="white", linewidths=0.5, zorder=2)
start = thresholds[best] * w + 2.2 * np.array([-w[1], w[0]])
plane.annotate(
    "", start + 0.8 * w, start, arrowprops={"arrowstyle": "-|>", "color": BEST}
)
plane.set(aspect="equal", xlim=(-5.5, 5), ylim=(-3.1, 3.1), xticks=[], yticks=[])
line.vlines(values, 0, gains, color=colors, lw=1.4)
line.axhline(0, color=INK, lw=0.8)
line.set(ylabel="gain", yticks=[-1, 1], xlim=(-4.2, 4.2), xticks=[])
curve.plot(thresholds, sums, color=INK, lw=1.2, drawstyle="steps-mid", zorder=0)
curve.set(xlabel="threshold", ylabel="sum of gains above", xlim=(-4.2, 4.2))
for ax in (line, curve):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Most bins stay closed
# ---------------------
#
# Sorting the projections for every direction that is tried would take most of the
# time. So they are put into bins. No threshold inside a bin earns more than the sum of
# all gains above the bin, plus the bin's own positive gains. Only a bin whose bound is
# above the best found so far has to be opened and sorted; the result is the same.

edges = np.linspace(values.min(), values.max(), 25)
place = np.digitize(values, edges[1:-1])
total = np.bincount(place, gains, minlength=24)
positive = np.bincount(place, np.maximum(gains, 0), minlength=24)
above = np.append(np.cumsum(total[::-1])[::-1][1:], 0)
bounds = above + positive
incumbent = max(above.max(), total.sum())  # thresholds between two bins
opened = bounds > incumbent

fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
low = sums.min() - 2
for chosen, color, label in ((opened, BEST, "opened"), (~opened, "0.8", "closed")):
    heights = np.where(chosen, bounds, np.nan)
    ax.stairs(heights, edges, baseline=low, fill=True, color=color, label=label)
ax.plot(thresholds, sums, color=INK, lw=1.2, drawstyle="steps-mid", label="earned")
ax.axhline(incumbent, color=INK, ls=":", lw=1, label="best between bins")
ax.set(xlabel="threshold", ylabel="sum of gains above", xlim=edges[[0, -1]])
ax.set_ylim(bottom=low)
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# From direction to direction
# ---------------------------
#
# An iteration moves one weight of the unit up or down by ``learning_rate``, takes the
# best threshold of the new direction, and keeps the move if that earns more. Here are
# all directions and all thresholds at once, and the unit's path from eight starts. It
# ends where no single move earns more. Three paths lead near the top, three stay where
# the unit is never active: one reason to let many networks vote.

angles = np.linspace(-180, 180, 721)
levels = np.linspace(-5, 5, 401)
around = np.stack([np.cos(np.deg2rad(angles)), np.sin(np.deg2rad(angles))])
active = (X @ around)[:, :, np.newaxis] > levels
earned = np.einsum("n,nat->ta", gains, active)


def climb(w):
    """Directions, thresholds and what they earn, move by move."""
    path = []
    while True:
        thresholds, sums = search(X @ w)
        angle = np.rad2deg(np.arctan2(w[1], w[0]))
        path.append((angle, thresholds[sums.argmax()], sums.max()))
        moves = w + 0.17 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
        moves /= np.linalg.norm(moves, axis=1, keepdims=True)
        found = [search(X @ move)[1].max() for move in moves]
        if max(found) <= sums.max():
            return np.array(path)
        w = moves[np.argmax(found)]


paths = [climb(np.array([np.cos(a), np.sin(a)])) for a in np.arange(8) * np.pi / 4]
print("They end at", [int(path[-1, 2]) for path in paths], "of", earned.max())

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
image = ax.imshow(
    earned,
    extent=(-180, 180, -5, 5),
    origin="lower",
    aspect="auto",
    cmap="RdBu_r",
    vmin=-40,
    vmax=40,
)
for path in paths:
    path[:, 0] = np.rad2deg(np.unwrap(np.deg2rad(path[:, 0])))
    ax.plot(*path[:, :2].T, "o-", color=INK, ms=4, lw=1.2, mec="white", mew=0.5)
    ax.plot(*path[-1, :2], "o", color=BEST, ms=9, mec="white")
ax.set(xlabel="direction, degrees", ylabel="threshold", xticks=np.arange(-180, 181, 90))
ax.set(xlim=(-180, 180), ylim=(-5, 5))
fig.colorbar(image, label="sum of gains above")
plt.show()
