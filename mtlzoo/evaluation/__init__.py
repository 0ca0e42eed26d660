"""Reports, readable predictions, competition scores, submissions and plots."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtlzoo.evaluation.details import predictions
    from mtlzoo.evaluation.fashionai import fashionai_score
    from mtlzoo.evaluation.plots import (
        Mark,
        plot_balancing,
        plot_confusion,
        plot_groups,
        plot_history,
        plot_model,
        plot_predictions,
    )
    from mtlzoo.evaluation.prediction import outputs, predict
    from mtlzoo.evaluation.report import evaluate
    from mtlzoo.evaluation.subgroups import evaluate_groups
    from mtlzoo.evaluation.submission import read_answers, read_submission, submission_frame, write_submission

_MODULES = {
    "details": ["predictions"],
    "fashionai": ["fashionai_score"],
    "plots": [
        "Mark",
        "plot_balancing",
        "plot_confusion",
        "plot_groups",
        "plot_history",
        "plot_model",
        "plot_predictions",
    ],
    "prediction": ["outputs", "predict"],
    "report": ["evaluate"],
    "subgroups": ["evaluate_groups"],
    "submission": ["read_answers", "read_submission", "submission_frame", "write_submission"],
}
_LAZY = {name: module for module, names in _MODULES.items() for name in names}
__all__ = [
    "Mark",
    "evaluate",
    "evaluate_groups",
    "fashionai_score",
    "outputs",
    "plot_balancing",
    "plot_confusion",
    "plot_groups",
    "plot_history",
    "plot_model",
    "plot_predictions",
    "predict",
    "predictions",
    "read_answers",
    "read_submission",
    "submission_frame",
    "write_submission",
]


def __getattr__(name: str) -> Any:
    """Load what is used (PEP 562): a score needs no TensorFlow, a report no matplotlib."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
