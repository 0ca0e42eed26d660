"""Grad-CAM: which positions of the feature map speak for a prediction, found by the head's gradients.

After Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391: the gradient of a score by the feature map, averaged over
positions, says how much each channel counts; the channels' sum with these weights, where it is above zero, is the map. There
the score is a class's logit. Here each kind of head says what it is, :meth:`mtlzoo.Head.evidence`, and a map is divided by
its largest value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import keras
import numpy as np
from keras import ops

from mtlzoo.errors import InputError
from mtlzoo.models.splitting import backbone_output
from mtlzoo.models.steps import differentiate

if TYPE_CHECKING:
    from mtlzoo.models.multitask import MultiTaskModel

BATCH = 32
# A network is compiled once, however often it is asked.
_TRUNKS: WeakKeyDictionary[keras.Model, keras.Model] = WeakKeyDictionary()


def feature_map(model: keras.Model) -> keras.KerasTensor:
    """The output of a model's backbone in its graph, `(batch, rows, columns, channels)`.

    Raises:
        InputError: If there is no backbone, or it ends in something else.
    """
    found = backbone_output(model)
    if found is None or len(found.shape) != 4:
        received = "none" if found is None else f"one that ends in {tuple(found.shape)}"
        raise InputError(
            f"Expected a model whose backbone ends in a feature map (batch, rows, columns, channels), received: "
            f"{model.name!r}, with {received}. `feature_layer=` of `mtl.build` can end it at a layer that has one."
        )
    return found


def gradcam_maps(model: MultiTaskModel, images: np.ndarray, heads: Sequence[str]) -> dict[str, np.ndarray]:
    """What speaks for the predictions of some heads.

    Args:
        model: The model.
        images: `(batch, height, width, channels)`, of the model's size.
        heads: Names of heads.

    Returns:
        For each head float32 `(batch, rows, columns)`, as many as the feature map has: 1 where most speaks for the
        prediction, 0 where nothing does; all 0 where nothing does anywhere.

    Raises:
        InputError: If the model has no feature map.
        NotImplementedError: If the backend computes no gradients.

    Example:

    ```python
    from mtlzoo.models.gradcam import gradcam_maps

    small = mtl.MobileNet({"collar": 3}, (64, 64, 3), weights=None, alpha=0.25)
    gradcam_maps(small, np.zeros((1, 64, 64, 3)), ["collar"])["collar"].shape  # (1, 2, 2)
    ```
    """
    source = feature_map(model)
    if model not in _TRUNKS:
        _TRUNKS[model] = keras.Model(model.input, source)
    trunk = _TRUNKS[model]
    networks = {name: keras.Model(source, model.output[name]) for name in heads}
    maps: dict[str, list[np.ndarray]] = {name: [] for name in heads}
    for start in range(0, len(images), BATCH):
        features = ops.convert_to_tensor(trunk.predict_on_batch(images[start : start + BATCH]))
        for name, network in networks.items():
            maps[name].append(_maps(features, network, model.heads[name]))
    return {name: np.concatenate(parts) for name, parts in maps.items()}


def _maps(features: Any, network: keras.Model, head: Any) -> np.ndarray:
    # The sum over rows: each row's gradient is that of its own evidence.
    (gradient,) = differentiate(lambda values: ops.sum(head.evidence(network(values, training=False))), [features])
    gradient, values = (ops.convert_to_numpy(each).astype("float32") for each in (gradient, features))
    maps = np.maximum(np.einsum("bc,bhwc->bhw", gradient.mean(axis=(1, 2)), values), 0)
    largest = maps.max(axis=(1, 2), keepdims=True)
    return np.divide(maps, largest, out=np.zeros_like(maps), where=largest > 0)
