"""Sign-activation networks trained by stochastic coordinate descent."""

from sklearn_scd._active_subspace import ActiveSubspace
from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._pixel_means import PixelMeans
from sklearn_scd._precompile import precompile
from sklearn_scd._robust import make_robust_scd
from sklearn_scd._robust_pipeline import RobustPipeline
from sklearn_scd._sign_convolution import SignConvolution

__version__ = "0.1.0.dev0"

__all__ = [
    "ActiveSubspace",
    "PixelMeans",
    "RobustPipeline",
    "SCDClassifier",
    "SignConvolution",
    "__version__",
    "make_robust_scd",
    "precompile",
]
