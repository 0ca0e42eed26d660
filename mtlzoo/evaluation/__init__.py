"""Predictions, reports and subgroups."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtlzoo.evaluation.abstaining import abstain, coverage_curves
    from mtlzoo.evaluation.calibration import calibrate, calibration_errors, reliability
    from mtlzoo.evaluation.conformal_sets import conformal, conformal_coverage
    from mtlzoo.evaluation.deciding import decide
    from mtlzoo.evaluation.explaining import gradcam
    from mtlzoo.evaluation.knowing_images import know_images
    from mtlzoo.evaluation.prediction_files import load_predictions, save_predictions
    from mtlzoo.evaluation.predictions import Predictions
    from mtlzoo.evaluation.shortcuts import evaluate, evaluate_groups, predict
    from mtlzoo.evaluation.suggestions import suggest_labels

_MODULES = {
    "abstaining": ["abstain", "coverage_curves"],
    "calibration": ["calibrate", "calibration_errors", "reliability"],
    "conformal_sets": ["conformal", "conformal_coverage"],
    "deciding": ["decide"],
    "explaining": ["gradcam"],
    "knowing_images": ["know_images"],
    "prediction_files": ["load_predictions", "save_predictions"],
    "predictions": ["Predictions"],
    "shortcuts": ["evaluate", "evaluate_groups", "predict"],
    "suggestions": ["suggest_labels"],
}
_LAZY = {name: module for module, names in _MODULES.items() for name in names}
__all__ = [
    "Predictions",
    "abstain",
    "calibrate",
    "calibration_errors",
    "conformal",
    "conformal_coverage",
    "coverage_curves",
    "decide",
    "evaluate",
    "evaluate_groups",
    "gradcam",
    "know_images",
    "load_predictions",
    "predict",
    "reliability",
    "save_predictions",
    "suggest_labels",
]


def __getattr__(name: str) -> Any:
    """Load what is used (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
