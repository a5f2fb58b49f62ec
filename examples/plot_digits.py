"""
=======================================
Ten classes: how many votes are enough?
=======================================

With more than two classes a vote is one network per class, each trained to separate its
class from all others, and goes to the class whose network has the largest output. Here
the networks are small, with five hidden units, so that votes differ.
"""

# sphinx_gallery_thumbnail_number = 3

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from sklearn_scd import SCDClassifier
from sklearn_scd.inspection import VoteDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, test_size=500, random_state=0, stratify=y
)
model = SCDClassifier(
    n_estimators=21, hidden_units=5, max_iter=300, random_state=0, n_jobs=2
)
model.fit(X_train, y_train)
predicted = model.predict(X_test)

# %%
# More votes, fewer errors
# ------------------------
#
# ``votes`` returns the class of each vote. So one fit tells the error of smaller
# ensembles: here the mean over random orders of the votes, and their range.

votes = model.votes(X_test)
named = votes[:, :, np.newaxis] == model.classes_
rng = np.random.default_rng(0)
errors = []
for _ in range(20):
    counts = named[:, rng.permutation(named.shape[1])].cumsum(axis=1)
    errors.append((counts.argmax(axis=2) != y_test[:, np.newaxis]).mean(axis=0))
errors = 100 * np.array(errors)

fig, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
number = np.arange(1, 22)
ax.fill_between(number, errors.min(axis=0), errors.max(axis=0), alpha=0.2, lw=0)
ax.plot(number, errors.mean(axis=0), lw=2)
ax.set(xlabel="votes", ylabel="test error, %", ylim=(0, None), xlim=(1, 21))
ax.set_xticks([1, 5, 9, 13, 17, 21])
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# How the votes fall
# ------------------
#
# Left, votes for the true class, digit by digit; right, the confusion matrix.

fig, axes = plt.subplots(1, 2, figsize=(10, 4.8), layout="constrained")
VoteDisplay.from_estimator(model, X_test, y_test, ax=axes[0], name="")
ConfusionMatrixDisplay.from_predictions(
    y_test, predicted, ax=axes[1], cmap="Blues", colorbar=False
)
axes[0].set_title("21 votes a digit")
axes[1].set_title(f"{np.mean(predicted == y_test):.1%} correct")
plt.show()

# %%
# The images that divide the votes
# --------------------------------
#
# The sixteen test images with the least agreement, and the two digits with the most
# votes. The title is red where the prediction is wrong.

shares = model.predict_proba(X_test)
hardest = np.argsort(model.agreement(X_test))[:16]
fig, axes = plt.subplots(2, 8, figsize=(10, 3.2), layout="constrained")
for ax, i in zip(axes.flat, hardest, strict=True):
    ax.imshow(X_test[i].reshape(8, 8), cmap="gray_r")
    first, second = np.argsort(-shares[i], kind="stable")[:2]
    ax.set_title(
        f"{first}: {shares[i, first]:.0%}\n{second}: {shares[i, second]:.0%}",
        fontsize="medium",
        color="0.15" if first == y_test[i] else "#b2182b",
    )
    ax.set(xticks=[], yticks=[])
plt.show()
