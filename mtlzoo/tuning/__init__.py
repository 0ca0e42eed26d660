"""Find settings of a training by trying them: a search over recipes."""

from mtlzoo.tuning.range import Range, log
from mtlzoo.tuning.search import tune
from mtlzoo.tuning.space import default_space
from mtlzoo.tuning.tuned import Tuned

__all__ = ["Range", "Tuned", "default_space", "log", "tune"]
