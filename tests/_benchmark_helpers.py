"""What tests of the benchmark's runs share."""

import json


def measured(data):
    """A run's record without what differs between two runs of the same thing.

    Parameters
    ----------
    data : dict
        As it is in ``results.json``.

    Returns
    -------
    datasets : dict
        Its data sets, without times.
    """
    return _timeless(data["datasets"])


def _timeless(value):
    if isinstance(value, dict):
        timed = ("seconds", "fit_seconds", "predict_seconds")
        return {k: _timeless(v) for k, v in value.items() if k not in timed}
    return [_timeless(v) for v in value] if isinstance(value, list) else value


def read(folder):
    """The record in an output folder."""
    return json.loads((folder / "results.json").read_text())
