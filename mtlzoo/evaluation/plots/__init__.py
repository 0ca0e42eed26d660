"""Plots that return a `matplotlib.figure.Figure`: without pyplot, so nothing global changes and no screen is needed."""

from mtlzoo.evaluation.plots.balancing import plot_balancing
from mtlzoo.evaluation.plots.confusion import plot_confusion
from mtlzoo.evaluation.plots.groups import plot_groups
from mtlzoo.evaluation.plots.history import plot_history
from mtlzoo.evaluation.plots.marks import Mark
from mtlzoo.evaluation.plots.model import plot_model
from mtlzoo.evaluation.plots.predictions import plot_predictions

__all__ = [
    "Mark",
    "plot_balancing",
    "plot_confusion",
    "plot_groups",
    "plot_history",
    "plot_model",
    "plot_predictions",
]
