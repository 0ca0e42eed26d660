"""The registries: one line for everything of which there are several kinds.

From these lines follow the choices and the help of the command line, the lists in messages, and the tests that all kinds
share. They name modules and load none, so that the command line's help is quick; `BACKBONES`, which is plain data and as
light, stands in `mtlzoo.backbones.registry`. Each registry is also found in the room that it is about, such as
`mtlzoo.heads.HEADS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mtlzoo.system.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from mtlzoo.balancing import Balancing
    from mtlzoo.data import LabelTable
    from mtlzoo.data.mixing import Mixing
    from mtlzoo.heads import Head
    from mtlzoo.images.augmentation import Augmentation
    from mtlzoo.losses import MaskedLoss
    from mtlzoo.saving.formats import ExportFormat
    from mtlzoo.training.recipe import Recipe
    from mtlzoo.training.tracking.tool import Tool

__all__ = [
    "AUGMENTATIONS",
    "BALANCING",
    "EXPORTS",
    "FORMATS",
    "HEADS",
    "LOSSES",
    "MAKERS",
    "MIXINGS",
    "RECIPES",
    "TRACKERS",
]

HEADS: Registry[type[Head]] = Registry(
    "kind of head",
    {  # in the order in which `infer_head` asks them whether a column is theirs
        "binary": "mtlzoo.heads.binary:BinaryHead",
        "multilabel": "mtlzoo.heads.multilabel:MultiLabelHead",
        "regression": "mtlzoo.heads.regression:RegressionHead",
        "classification": "mtlzoo.heads.classification:ClassificationHead",
        "ordinal": "mtlzoo.heads.ordinal:OrdinalHead",
        "expectation": "mtlzoo.heads.expectation:ExpectationHead",
        "landmarks": "mtlzoo.heads.landmark:LandmarkHead",
        "box": "mtlzoo.heads.box:BoxHead",
        "dual_task": "mtlzoo.heads.dual_task:DualTaskHead",
        "detection": "mtlzoo.heads.detection:DetectionHead",
    },
    group="mtlzoo.heads",
)
"""Heads: classes by the kind that files, label columns and `--heads NAME=KIND` say."""

LOSSES: Registry[Callable[..., MaskedLoss]] = Registry(
    "loss",
    {
        "huber": "mtlzoo.losses.regression:MaskedHuber",
        "mae": "mtlzoo.losses.regression:MaskedMeanAbsoluteError",
        "mse": "mtlzoo.losses.regression:MaskedMeanSquaredError",
    },
    group="mtlzoo.losses",
)
"""Losses of numbers, for `loss=` of the heads that predict some: called with `units` and `scale=`, they give the loss."""

BALANCING: Registry[type[Balancing]] = Registry(
    "balancing method",
    {
        # Loss weighting
        "equal": "mtlzoo.balancing.weighting.equal:Equal",
        "static": "mtlzoo.balancing.weighting.static:Static",
        "uncertainty": "mtlzoo.balancing.weighting.uncertainty:Uncertainty",
        "dwa": "mtlzoo.balancing.weighting.dwa:DynamicWeightAverage",
        "rlw": "mtlzoo.balancing.weighting.rlw:RandomLossWeighting",
        "geometric_mean": "mtlzoo.balancing.weighting.geometric_mean:GeometricMean",
        "gradnorm": "mtlzoo.balancing.weighting.gradnorm:GradNorm",
        "imtl_l": "mtlzoo.balancing.weighting.imtl_l:IMTLL",
        "famo": "mtlzoo.balancing.weighting.famo:FAMO",
        "smooth_tchebycheff": "mtlzoo.balancing.weighting.smooth_tchebycheff:SmoothTchebycheff",
        # Gradient balancing
        "mgda": "mtlzoo.balancing.mgda:MGDA",
        "pcgrad": "mtlzoo.balancing.pcgrad:PCGrad",
        "gradvac": "mtlzoo.balancing.gradvac:GradVac",
        "cagrad": "mtlzoo.balancing.cagrad:CAGrad",
        "imtl_g": "mtlzoo.balancing.imtl_g:IMTLG",
        "nash_mtl": "mtlzoo.balancing.nash_mtl:NashMTL",
        "aligned_mtl": "mtlzoo.balancing.aligned_mtl:AlignedMTL",
        "fairgrad": "mtlzoo.balancing.fairgrad:FairGrad",
        "upgrad": "mtlzoo.balancing.upgrad:UPGrad",
        "dualproj": "mtlzoo.balancing.dualproj:DualProj",
        "config": "mtlzoo.balancing.conflict_free:ConFIG",
        "graddrop": "mtlzoo.balancing.graddrop:GradDrop",
    },
    group="mtlzoo.balancing",
    alias=lambda cls: cls.__name__,
)
"""Balancing methods: classes by name, for `balancing=`."""

FORMATS: Registry[Callable[..., LabelTable]] = Registry(
    "dataset format",
    {
        "csv": "mtlzoo.data.tabular:read_csv",
        "fashionai": "mtlzoo.datasets.fashionai.reader:read_fashionai",
        "folders": "mtlzoo.data.folders:read_folders",
        "mtfl": "mtlzoo.datasets.faces.mtfl:read_mtfl",
        "packed": "mtlzoo.data.packing:read_packed",
        "shapes": "mtlzoo.datasets.shapes.reader:read_shapes",
        "utkface": "mtlzoo.datasets.faces.utkface:read_utkface",
    },
    group="mtlzoo.formats",
)
"""Readers of datasets: functions from a path to a table, for `--format`."""

MAKERS: Registry[Callable[..., Path]] = Registry(
    "kind of data",
    {
        "faces": "mtlzoo.datasets.faces.maker:make_faces",
        "fashion": "mtlzoo.datasets.fashionai.maker:make_fashionai",
        "shapes": "mtlzoo.datasets.shapes.maker:make_shapes",
    },
)
"""Drawn datasets: functions that draw one into a folder, for `mtlzoo make-data`."""

EXPORTS: Registry[ExportFormat] = Registry(
    "export format",
    {
        "h5": "mtlzoo.saving.h5:FORMAT",
        "keras": "mtlzoo.saving.keras_file:FORMAT",
        "savedmodel": "mtlzoo.saving.saved_model:FORMAT",
        "litert": "mtlzoo.saving.litert:FORMAT",
        "onnx": "mtlzoo.saving.onnx:FORMAT",
        "openvino": "mtlzoo.saving.openvino:FORMAT",
        "web": "mtlzoo.saving.web.folder:FORMAT",
    },
    group="mtlzoo.exports",
)
"""Export formats, for `mtl.export`; a suffix stands for the first that has it."""

AUGMENTATIONS: Registry[Augmentation] = Registry(
    "augmentation",
    {
        "default": "mtlzoo.images.augmentation:DEFAULT",
        "light": "mtlzoo.images.augmentation:LIGHT",
        "strong": "mtlzoo.images.augmentation:STRONG",
        "color": "mtlzoo.images.augmentation:COLOR",
        "trivial": "mtlzoo.images.augmentation:TRIVIAL",
    },
    group="mtlzoo.augmentations",
)
"""Augmentations by name, for `augment=`."""

RECIPES: Registry[Recipe] = Registry(
    "recipe",
    {
        "default": "mtlzoo.training.recipes:DEFAULT",
        "fast": "mtlzoo.training.recipes:FAST",
        "thorough": "mtlzoo.training.recipes:THOROUGH",
        # Those of the four tutorials.
        "fashionai": "mtlzoo.training.recipes:FASHIONAI",
        "hydranet": "mtlzoo.training.recipes:HYDRANET",
        "head_api": "mtlzoo.training.recipes:HEAD_API",
        "simple_detection": "mtlzoo.training.recipes:SIMPLE_DETECTION",
    },
    group="mtlzoo.recipes",
)
"""How a model is trained, by name, for `recipe=`."""

MIXINGS: Registry[Mixing] = Registry(
    "mixing",
    {
        "mixup": "mtlzoo.data.mixing:MIXUP",
        "cutmix": "mtlzoo.data.mixing:CUTMIX",
        "both": "mtlzoo.data.mixing:BOTH",
    },
    group="mtlzoo.mixings",
)
"""Ways of mixing images and labels by name, for `mix=`."""

TRACKERS: Registry[type[Tool]] = Registry(
    "tracker",
    {
        "tensorboard": "mtlzoo.training.tracking.tensorboard:TensorBoard",
        "mlflow": "mtlzoo.training.tracking.mlflow:MLflow",
        "wandb": "mtlzoo.training.tracking.wandb:WeightsAndBiases",
    },
)
"""Tools that a training is logged with, for `track=`; the names are those of their packages."""
