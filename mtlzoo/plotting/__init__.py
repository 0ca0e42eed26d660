"""Plots that return a `matplotlib.figure.Figure`: without pyplot, so nothing global changes and no screen is needed."""

from mtlzoo.plotting.annotations import Annotation
from mtlzoo.plotting.attention import plot_attention
from mtlzoo.plotting.balancing import plot_balancing
from mtlzoo.plotting.confusion import plot_confusion
from mtlzoo.plotting.coverage import plot_coverage
from mtlzoo.plotting.formats import plot_formats
from mtlzoo.plotting.gradcam import plot_gradcam
from mtlzoo.plotting.groups import plot_groups
from mtlzoo.plotting.history import plot_history
from mtlzoo.plotting.learning_rate import plot_learning_rate
from mtlzoo.plotting.model import plot_model
from mtlzoo.plotting.predictions import plot_predictions
from mtlzoo.plotting.reliability import plot_reliability
from mtlzoo.plotting.trials import plot_trials

__all__ = [
    "Annotation",
    "plot_attention",
    "plot_balancing",
    "plot_confusion",
    "plot_coverage",
    "plot_formats",
    "plot_gradcam",
    "plot_groups",
    "plot_history",
    "plot_learning_rate",
    "plot_model",
    "plot_predictions",
    "plot_trials",
    "plot_reliability",
]
