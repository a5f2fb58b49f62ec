"""How many threads a trained model may take."""

from sklearn.base import ClassifierMixin


def use_one_thread(estimator: ClassifierMixin) -> ClassifierMixin:
    """Take threads from an estimator: for single rows they cost more than they give."""
    parameters = estimator.get_params()
    threads = [name for name in parameters if name.split("__")[-1] == "n_jobs"]
    return estimator.set_params(**dict.fromkeys(threads, 1))
