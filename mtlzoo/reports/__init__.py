"""Pages that tell of a trained model, or of several beside each other, and its model card."""

from mtlzoo.reports.comparison import Comparison, compare
from mtlzoo.reports.model_report import report
from mtlzoo.reports.sources import Training

__all__ = ["Comparison", "Training", "compare", "report"]
