"""Training in stages."""

from mtlzoo.training.balancing_monitor import BalancingMonitor
from mtlzoo.training.callbacks import BestModel, Patience, Progress
from mtlzoo.training.features import FeatureCache
from mtlzoo.training.fitting import fit
from mtlzoo.training.stages import DEFAULT_STAGES, FASHIONAI_STAGES, Stage
from mtlzoo.training.task_stopping import TaskwiseEarlyStopping

__all__ = [
    "DEFAULT_STAGES",
    "FASHIONAI_STAGES",
    "BalancingMonitor",
    "BestModel",
    "FeatureCache",
    "Patience",
    "Progress",
    "Stage",
    "TaskwiseEarlyStopping",
    "fit",
]
