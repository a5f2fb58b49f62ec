"""Look at fitted sign networks: displays as scikit-learn's, drawn with matplotlib.

matplotlib, which the extra ``plots`` installs, is imported where something is drawn,
not before.
"""

from sklearn_scd.inspection._adversarials import AdversarialDisplay
from sklearn_scd.inspection._hidden_units import HiddenUnitsDisplay
from sklearn_scd.inspection._loss_curves import LossCurveDisplay
from sklearn_scd.inspection._robustness_curve import RobustnessCurveDisplay
from sklearn_scd.inspection._votes import VoteDisplay

__all__ = [
    "AdversarialDisplay",
    "HiddenUnitsDisplay",
    "LossCurveDisplay",
    "RobustnessCurveDisplay",
    "VoteDisplay",
]
