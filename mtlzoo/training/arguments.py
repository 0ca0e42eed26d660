"""What a training depends on, as texts that are the same in another process."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from mtlzoo import balancing
from mtlzoo.balancing import Balancing, get_balancing
from mtlzoo.data import LabelTable
from mtlzoo.data.columns import IMAGE, REGION
from mtlzoo.heads import serialize
from mtlzoo.models import MultiTaskModel
from mtlzoo.training.checksums import weights_digest
from mtlzoo.training.feature_cache import feature_cache
from mtlzoo.training.recipe import Recipe
from mtlzoo.training.stages import Stage
from mtlzoo.training.teach import Teach

if TYPE_CHECKING:
    import tensorflow as tf


def training_arguments(
    model: MultiTaskModel,
    train: LabelTable | tf.data.Dataset,
    valid: LabelTable | tf.data.Dataset | None,
    recipe: Recipe,
) -> dict[str, str]:
    """What a training must have in common with the one that it resumes, by the names of the arguments of `mtl.fit`.

    Where images are cached, how a step is compiled and on which devices it runs may change in between.

    Args:
        model: The model.
        train: The training rows, bound to the model's heads.
        valid: The validation rows, likewise; `None` for none.
        recipe: All settings, as the devices follow them.
    """
    cache = feature_cache(recipe.features)
    arguments = {
        "model": model,
        "train": train,
        "valid": valid,
        "stages": recipe.stages,
        "balancing": get_balancing(recipe.balancing),
        "batch_size": recipe.batch_size,
        "augment": recipe.augment,
        "sample_weight": recipe.sample_weight,
        "seed": recipe.seed,
        "features": cache and cache.views,
        "synchronize_batch_norm": recipe.synchronize_batch_norm,
        "batch_norm": recipe.batch_norm,
        "average": recipe.average,
        "label_smoothing": recipe.label_smoothing,
        "minutes": recipe.minutes,
        "mix": recipe.mix,
        "sampling": recipe.sampling,
        "teach": recipe.teach,
    }
    return {name: describe(value) for name, value in arguments.items()}


def labels_digest(table: LabelTable) -> str:
    """A checksum of a table's images by name, and of its labels as its heads read them: 12 letters."""
    digest = hashlib.sha256()
    for column in (IMAGE, REGION):
        digest.update("\n".join(map(str, table.frame.get(column, ()))).encode())
    for name, targets in table.labels().items():
        digest.update(name.encode() + np.ascontiguousarray(targets).tobytes())
    return digest.hexdigest()[:12]


def describe(value: Any) -> str:
    """An argument as a text that is the same in another process."""
    if isinstance(value, LabelTable):
        return f"{len(value)} rows ({labels_digest(value)})"
    if isinstance(value, MultiTaskModel):
        shapes = [list(weight.shape) for layer in value.layers for weight in layer.weights]
        parts = [serialize(value.heads), shapes, value.resize]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode())
        return f"a model of {value.count_params():,} parameters ({digest.hexdigest()[:12]})"
    if hasattr(value, "element_spec"):
        return f"a dataset of {len(value)} batches"
    if isinstance(value, list | tuple):
        return "; ".join(map(describe, value))
    if isinstance(value, Stage):
        return ", ".join(f"{name}={describe(setting)}" for name, setting in vars(value).items())
    if isinstance(value, Teach):
        return str([value.get_config(), [weights_digest(model).hex() for model in value.teachers]])
    if isinstance(value, Balancing):
        return str(balancing.serialize(value))
    if isinstance(value, keras.Optimizer):
        return json.dumps(keras.saving.serialize_keras_object(value), sort_keys=True, default=str)
    return str(value)
