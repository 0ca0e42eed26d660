"""One image, many answers: multi-task Keras models trained on partly labelled images.

```python
import mtlzoo as mtl

table = mtl.data.read_fashionai("fashionAI/")
train, valid = mtl.data.split(table, [0.8, 0.2])
model = mtl.build("mobilenet", train.heads)
mtl.fit(model, train, valid)
print(mtl.evaluate(model, valid))
mtl.export(model, "model.h5")
```
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mtlzoo.backbones.registry import BACKBONES, list_backbones
from mtlzoo.system import startup, workers

if TYPE_CHECKING:
    from mtlzoo import (
        auditing,
        backbones,
        balancing,
        data,
        datasets,
        errors,
        evaluation,
        heads,
        images,
        losses,
        metrics,
        models,
        plotting,
        reports,
        runtimes,
        saving,
        serving,
        training,
        tuning,
    )
    from mtlzoo.auditing import Audit, audit
    from mtlzoo.balancing import list_balancing
    from mtlzoo.data import apply_corrections
    from mtlzoo.evaluation import abstain, calibrate, conformal, decide, evaluate, know_images, predict, suggest_labels
    from mtlzoo.heads import (
        BinaryHead,
        BoxHead,
        ClassificationHead,
        DetectionHead,
        DualTaskHead,
        ExpectationHead,
        Head,
        LandmarkHead,
        MultiLabelHead,
        OrdinalHead,
        RegressionHead,
    )
    from mtlzoo.models import MultiTaskModel, average, build
    from mtlzoo.plotting import plot_attention, plot_gradcam
    from mtlzoo.reports import compare, report
    from mtlzoo.saving import export, load_model
    from mtlzoo.serving import benchmark, load_predictor
    from mtlzoo.training import (
        BalancingMonitor,
        FeatureCache,
        Recipe,
        Stage,
        TaskwiseEarlyStopping,
        Teach,
        Track,
        find_learning_rate,
        fit,
        list_recipes,
    )
    from mtlzoo.tuning import tune

__version__ = "0.1.0"

_MODULES = {
    "mtlzoo.auditing": ["Audit", "audit"],
    "mtlzoo.balancing": ["list_balancing"],
    "mtlzoo.data": ["apply_corrections"],
    "mtlzoo.evaluation": [
        "abstain",
        "calibrate",
        "conformal",
        "decide",
        "evaluate",
        "know_images",
        "predict",
        "suggest_labels",
    ],
    "mtlzoo.plotting": ["plot_attention", "plot_gradcam"],
    "mtlzoo.reports": ["compare", "report"],
    "mtlzoo.saving": ["export", "load_model"],
    "mtlzoo.serving": ["benchmark", "load_predictor"],
    "mtlzoo.heads": [
        "BinaryHead",
        "BoxHead",
        "ClassificationHead",
        "DetectionHead",
        "DualTaskHead",
        "ExpectationHead",
        "Head",
        "LandmarkHead",
        "MultiLabelHead",
        "OrdinalHead",
        "RegressionHead",
    ],
    "mtlzoo.models": ["MultiTaskModel", "average", "build"],
    "mtlzoo.training": [
        "BalancingMonitor",
        "FeatureCache",
        "Recipe",
        "Stage",
        "TaskwiseEarlyStopping",
        "Teach",
        "Track",
        "find_learning_rate",
        "fit",
        "list_recipes",
    ],
    "mtlzoo.tuning": ["tune"],
}
_LAZY = {name: module for module, names in _MODULES.items() for name in names}
_ROOMS = [
    *("auditing", "backbones", "balancing", "data", "datasets", "errors", "evaluation", "heads", "images", "losses"),
    *("metrics", "models", "plotting", "reports", "runtimes", "saving", "serving", "training", "tuning"),
]

__all__ = [
    "Audit",
    "BalancingMonitor",
    "BinaryHead",
    "BoxHead",
    "ClassificationHead",
    "DetectionHead",
    "DualTaskHead",
    "ExpectationHead",
    "FeatureCache",
    "Head",
    "LandmarkHead",
    "MultiLabelHead",
    "MultiTaskModel",
    "OrdinalHead",
    "Recipe",
    "RegressionHead",
    "Stage",
    "TaskwiseEarlyStopping",
    "Teach",
    "Track",
    "__version__",
    "abstain",
    "apply_corrections",
    "audit",
    "auditing",
    "average",
    "backbones",
    "balancing",
    "benchmark",
    "build",
    "calibrate",
    "compare",
    "conformal",
    "data",
    "datasets",
    "decide",
    "errors",
    "evaluate",
    "evaluation",
    "export",
    "find_learning_rate",
    "fit",
    "heads",
    "images",
    "know_images",
    "list_backbones",
    "list_balancing",
    "list_recipes",
    "load_model",
    "load_predictor",
    "losses",
    "metrics",
    "models",
    "plot_attention",
    "plot_gradcam",
    "plotting",
    "report",
    "reports",
    "predict",
    "runtimes",
    "saving",
    "serving",
    "suggest_labels",
    "training",
    "tune",
    "tuning",
    *BACKBONES.names(plugins=False),
]


def __getattr__(name: str) -> Any:
    """Load what is used (PEP 562), so that importing mtlzoo does not load TensorFlow."""
    if name.startswith("_"):
        raise AttributeError(f"module 'mtlzoo' has no attribute {name!r}")
    if name in _LAZY or name in _ROOMS or name in BACKBONES:
        workers.join()  # before TensorFlow makes anything
    if name in _LAZY:
        value = getattr(importlib.import_module(_LAZY[name]), name)
    elif name in _ROOMS:
        return importlib.import_module(f"mtlzoo.{name}")
    elif name in BACKBONES:
        value = importlib.import_module("mtlzoo.models").named_builder(name)
    else:
        raise AttributeError(f"module 'mtlzoo' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


startup.quieten("tensorflow")
# For `keras.models.load_model`, which knows the classes of files from modules that have been loaded.
startup.once_loaded("keras", lambda: __getattr__("MultiTaskModel"))
