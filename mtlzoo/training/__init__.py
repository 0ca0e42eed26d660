"""Training in stages."""

from mtlzoo.system.registries import RECIPES
from mtlzoo.training.balancing_monitor import BalancingMonitor
from mtlzoo.training.callbacks import BestModel, Patience, Progress
from mtlzoo.training.feature_cache import FeatureCache
from mtlzoo.training.fitting import fit
from mtlzoo.training.learning_rate_finder import LearningRates, find_learning_rate
from mtlzoo.training.recipe import Recipe
from mtlzoo.training.recipe_file import read_recipe, write_recipe
from mtlzoo.training.recipes import get_recipe, list_recipes
from mtlzoo.training.stages import DEFAULT_STAGES, FASHIONAI_STAGES, Stage
from mtlzoo.training.task_stopping import TaskwiseEarlyStopping
from mtlzoo.training.teach import Teach
from mtlzoo.training.tracking import Track, Tracking
from mtlzoo.training.trainer import Trainer

__all__ = [
    "DEFAULT_STAGES",
    "FASHIONAI_STAGES",
    "RECIPES",
    "BalancingMonitor",
    "BestModel",
    "FeatureCache",
    "LearningRates",
    "Patience",
    "Progress",
    "Recipe",
    "Stage",
    "TaskwiseEarlyStopping",
    "Teach",
    "Track",
    "Tracking",
    "Trainer",
    "find_learning_rate",
    "fit",
    "get_recipe",
    "list_recipes",
    "read_recipe",
    "write_recipe",
]
