"""The subclasses of ART's classifier. Imports ART.

ART's `ScikitlearnClassifier` was written for labels 0 to K-1 and trains the user's
estimator in place. What these classes inherit from it and what is theirs:

================================  ====================================================
`predict`                         theirs: checked, column k is class k
`fit`                             theirs: trains a copy, labels stay those of the user
`clone_for_refitting`             theirs: keeps classes, clip values and defenses
`set_params`                      theirs: refuses what would not come true
`get_params`, `save`, `reset`     inherited
`preprocessing_defences` etc.     inherited; set by `set_params`
`loss_gradient`                   none: ART's attacks by gradients say so themselves
================================  ====================================================
"""

from __future__ import annotations

import copy
from typing import Any, Literal

import numpy as np
from art.estimators import NeuralNetworkMixin
from art.estimators.classification.scikitlearn import ScikitlearnClassifier
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import check_array, check_consistent_length

from sklearn_scd._typing import FittedClassifier
from sklearn_scd.robustness._inputs import ask, n_features_of
from sklearn_scd.robustness._labels import LabelCodes

_FIXED = {"model", "nb_classes", "use_logits", "channels_first"}


class ArtClassifier(ScikitlearnClassifier):
    """A fitted scikit-learn classifier, as ART asks for it.

    Parameters
    ----------
    estimator : fitted classifier
    labels : LabelCodes
    clip_values : tuple of (float, float) or None
    response_method : {'predict_proba', 'predict'}
    """

    def __init__(
        self,
        estimator: FittedClassifier,
        labels: LabelCodes,
        clip_values: tuple[float, float] | None,
        response_method: Literal["predict_proba", "predict"],
    ) -> None:
        self._labels = labels
        self._response_method = response_method
        # ART's default preprocessing subtracts 0, divides by 1, and makes float32.
        super().__init__(estimator, clip_values=clip_values, preprocessing=None)

    def _get_input_shape(self, model: FittedClassifier) -> tuple[int, ...]:
        return (n_features_of(model),)

    def _get_nb_classes(self) -> int:
        return self._labels.classes.size

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.model!r}, input_shape={self.input_shape}, "
            f"response_method={self._response_method!r})"
        )

    def encode_labels(self, y: ArrayLike) -> NDArray[np.float32]:
        """Labels as all of ART's attacks take them, which know no others.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, 1)
            Labels of the estimator's, of any kind.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_classes), dtype float32
            1 in the column of the label's class, 0 in the others.

        Raises
        ------
        ValueError
            If a label is none of the estimator's classes.
        """
        codes = self._labels.encode(y, "y")
        return np.eye(self.nb_classes, dtype=np.float32)[codes]

    def fit(self, x: NDArray[Any], y: NDArray[Any], **kwargs: Any) -> None:
        """Fit a copy of the estimator, which the classifier has from then on.

        The estimator that was wrapped stays as it is. Classes keep their labels and
        columns.

        Parameters
        ----------
        x : ndarray of shape (n_samples, *input_shape)
            Samples.
        y : ndarray of shape (n_samples,), (n_samples, 1) or (n_samples, n_classes)
            Columns of the classes, from 0 on; or a row for each sample that is largest
            at its class. Labels that are strings are taken as they are.
        **kwargs : dict
            Handed over to the estimator's `fit`.

        Raises
        ------
        TypeError
            If batches or epochs are asked for: every fit starts anew.
        ValueError
            If `y` has another shape, no sample of some class, or codes of none.
        """
        for name in ("batch_size", "nb_epochs"):
            if name in kwargs:
                raise TypeError(
                    f"fit takes no {name}: the estimator is fitted anew on all samples "
                    "of each call, so that after batches only the last one would count."
                )
        codes = self._labels.from_art(y)
        check_consistent_length(x, codes)
        absent = np.setdiff1d(np.arange(self.nb_classes), codes)
        if absent.size:
            missing = self._labels.classes[absent].tolist()
            raise ValueError(f"y has no sample of the classes {missing}.")
        x, rows = self._apply_preprocessing(x, np.eye(self.nb_classes)[codes], fit=True)
        classes = self._labels.classes
        labels = classes[rows.argmax(axis=1)]
        model = clone(self.model).fit(self._rows(x), labels, **kwargs)
        if not np.array_equal(model.classes_, classes):
            raise ValueError(
                f"The fitted copy has the classes {model.classes_.tolist()}, where the "
                f"estimator has {classes.tolist()}: columns would be those of others."
            )
        self._model = model

    def clone_for_refitting(self) -> ArtClassifier:
        """Copy the classifier, with an estimator that is not fitted yet.

        Returns
        -------
        classifier : ArtClassifier
            With the same classes, clip values and defenses.
        """
        other = copy.copy(self)
        other._model = clone(self.model)
        other.preprocessing_operations = []
        other._update_preprocessing_operations()
        return other

    def set_params(self, **kwargs: Any) -> None:
        """Set clip values, and defenses before and after the estimator.

        Parameters
        ----------
        **kwargs : dict
            Those of ART: `clip_values`, `preprocessing`, `preprocessing_defences`,
            `postprocessing_defences`.

        Raises
        ------
        ValueError
            If another estimator is given, or what it decides: wrap it instead. If
            logits are asked for: votes have none.
        """
        for name in _FIXED & kwargs.keys():
            current, value = getattr(self, name), kwargs[name]
            if value is not current and value != current:
                raise ValueError(
                    f"{name} can't be set to {value!r}: call as_art_classifier again."
                )
        super().set_params(
            **{name: kwargs[name] for name in kwargs if name not in _FIXED}
        )

    def predict(self, x: NDArray[Any], **kwargs: Any) -> NDArray[Any]:
        """Probabilities of the classes, or 1 for the class predicted and 0 else.

        Parameters
        ----------
        x : ndarray of shape (n_samples, *input_shape)
        **kwargs : dict
            Ignored; ART hands over a batch size.

        Returns
        -------
        prediction : ndarray of shape (n_samples, n_classes)

        Raises
        ------
        ValueError
            If the model's answer is none: NaN, another shape, labels that are none of
            its classes. ART would take the largest entry of it for a class.
        """
        x, _ = self._apply_preprocessing(x, None, fit=False)
        answer = self._answer(self._rows(x))
        if self.postprocessing_defences is None:
            return answer
        return self._apply_postprocessing(answer, fit=False)

    def _rows(self, x: NDArray[Any]) -> NDArray[Any]:
        """Samples as the estimator takes them."""
        return x

    def _answer(self, x: NDArray[Any]) -> NDArray[Any]:
        """What the estimator says, checked."""
        if self._response_method == "predict_proba":
            shares = check_array(
                ask(self.model, "predict_proba", x),
                dtype=None,
                input_name="predict_proba",
            )
            if shares.shape != (len(x), self.nb_classes):
                raise ValueError(
                    f"predict_proba has the shape {shares.shape} for {len(x)} samples "
                    f"and {self.nb_classes} classes."
                )
            return shares
        codes = self._labels.predict(self.model, x)
        return np.eye(self.nb_classes, dtype=np.float32)[codes]


class ArtImageClassifier(ArtClassifier, NeuralNetworkMixin):
    """The same for images, which some of ART's attacks want of a network.

    They ask for nothing else of one than the place of the channels.

    Parameters
    ----------
    estimator : fitted classifier
    labels : LabelCodes
    clip_values : tuple of (float, float) or None
    response_method : {'predict_proba', 'predict'}
    image_shape : tuple of (int, int, int)
        Height, width and channels.
    """

    estimator_params = [*ArtClassifier.estimator_params, "channels_first"]

    def __init__(
        self,
        estimator: FittedClassifier,
        labels: LabelCodes,
        clip_values: tuple[float, float] | None,
        response_method: Literal["predict_proba", "predict"],
        image_shape: tuple[int, int, int],
    ) -> None:
        self._image_shape = image_shape
        self._channels_first = False
        self._layer_names = None
        super().__init__(estimator, labels, clip_values, response_method)

    def _get_input_shape(self, model: FittedClassifier) -> tuple[int, ...]:
        return self._image_shape

    def _rows(self, x: NDArray[Any]) -> NDArray[Any]:
        return x.reshape(len(x), -1)

    def get_activations(
        self,
        x: NDArray[Any],
        layer: int | str,
        batch_size: int,
        framework: bool = False,
    ) -> NDArray[Any]:
        """Raise: a scikit-learn classifier has no layers.

        Raises
        ------
        NotImplementedError
        """
        raise NotImplementedError(
            f"{type(self.model).__name__} has no layers to read activations of."
        )
