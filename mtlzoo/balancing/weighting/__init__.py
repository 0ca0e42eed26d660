"""Loss weighting: one total of many losses, before the one backward pass."""

from mtlzoo.balancing.base import Variable
from mtlzoo.balancing.weighting.base import LossWeighting
from mtlzoo.balancing.weighting.dwa import DynamicWeightAverage
from mtlzoo.balancing.weighting.equal import Equal
from mtlzoo.balancing.weighting.famo import FAMO
from mtlzoo.balancing.weighting.geometric_mean import GeometricMean
from mtlzoo.balancing.weighting.gradnorm import GradNorm
from mtlzoo.balancing.weighting.imtl_l import IMTLL
from mtlzoo.balancing.weighting.rlw import RandomLossWeighting
from mtlzoo.balancing.weighting.smooth_tchebycheff import SmoothTchebycheff
from mtlzoo.balancing.weighting.static import Static
from mtlzoo.balancing.weighting.uncertainty import Uncertainty

__all__ = [
    "FAMO",
    "IMTLL",
    "DynamicWeightAverage",
    "Equal",
    "GeometricMean",
    "GradNorm",
    "LossWeighting",
    "RandomLossWeighting",
    "SmoothTchebycheff",
    "Static",
    "Uncertainty",
    "Variable",
]
