"""Features of a table's images for an audit: a few hundred numbers a row, whatever the network and the number of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from mtlzoo.backbones import create_backbone, preprocess
from mtlzoo.data import LabelTable, image_dataset
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.multitask import check_model
from mtlzoo.models.splitting import mean_over_positions, split
from mtlzoo.system.blas import single_threaded_blas
from mtlzoo.system.pipeline_errors import plain_errors
from mtlzoo.system.progress import Progress

SIZE = (160, 160)  # pixels, for backbones: half the time of 224
LEVELS = 4  # of a backbone: the last map of each of so many grids
SAMPLE = 8000  # rows that scales and components are taken of
COMPONENTS = 512
BATCH = 64


@dataclass(frozen=True)
class Extractor:
    """What turns images into vectors.

    Attributes:
        network: From uint8 images to float32 `(batch, channels)`.
        resize: How images are brought to its size.
    """

    network: keras.Model
    resize: str = "stretch"


def extractor_of(
    model: MultiTaskModel | None, backbone: str | None, image_size: tuple[int, int] | None, weights: Any
) -> Extractor:
    """The network whose features an audit looks at.

    Args:
        model: A trained model, whose shared features are taken.
        backbone: The name of a backbone, of which the last maps of its four coarsest grids are taken, their means and
            deviations; by default MobileNetV2 0.35, whose weights come with the package.
        image_size: Height and width for a backbone.
        weights: As for :func:`mtlzoo.backbones.create_backbone`.
    """
    if model is not None:
        check_model(model)
        features = layers.Flatten(dtype="float32")(mean_over_positions(split(model).trunk.output))
        return Extractor(keras.Model(model.input, features), model.resize)
    shape = (*(image_size or SIZE), 3)
    options: dict[str, Any] = {"alpha": 0.35} if backbone is None else {}
    made, mode = create_backbone(backbone or "MobileNetV2", shape, weights, **options)
    levels = keras.Model(made.inputs[0], _levels(made))
    images = keras.Input(shape, dtype="uint8")
    maps = levels(preprocess(ops.cast(images, "float32"), mode), training=False)
    parts = [ops.mean(each, (1, 2)) for each in maps]
    parts += [ops.std(each, (1, 2)) for each in maps[:-1]]
    return Extractor(keras.Model(images, ops.concatenate(parts, axis=-1)))


def compute_features(extractor: Extractor, table: LabelTable, seed: int = 0, progress: bool = False) -> np.ndarray:
    """Features in few components, float32 `(rows, components)`, their mean squared length 1.

    Scales and principal components are those of up to 8,000 rows, so that memory holds a few hundred numbers for each row
    and no more. Whatever order or number of rows: an image's features depend on it and the sample alone.

    Args:
        extractor: The network.
        table: Rows whose images can be read.
        seed: What the sample is drawn from.
        progress: Whether to show on standard error how far it is.
    """
    rows, told = len(table), Progress() if progress else None
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:SAMPLE])
    rest = np.setdiff1d(np.arange(rows), drawn)
    sample = np.empty((len(drawn), extractor.network.output.shape[-1]), "float32")

    def keep(start: int, found: np.ndarray) -> None:
        sample[start : start + len(found)] = found
        if told:
            told.show(f"Features of {start + len(found)} of {rows} images", start + len(found), rows)

    _run(extractor, table.take(drawn), keep)
    mean, deviation = sample.mean(axis=0), sample.std(axis=0) + 1e-6
    components = _components((sample - mean) / deviation)
    features = np.empty((rows, components.shape[1]), "float32")
    features[drawn] = (sample - mean) / deviation @ components
    length = np.sqrt(np.mean(np.sum(features[drawn] ** 2, axis=1))) + 1e-12

    def project(start: int, found: np.ndarray) -> None:
        features[rest[start : start + len(found)]] = (found - mean) / deviation @ components
        if told:
            done = len(drawn) + start + len(found)
            told.show(f"Features of {done} of {rows} images", done, rows)

    if len(rest):
        _run(extractor, table.take(rest), project)
    return features / np.float32(length)


def _levels(backbone: keras.Model) -> list[Any]:
    """The last map of each of the coarsest grids of a backbone, fine to coarse; its output if it has no maps."""
    last: dict[tuple[int, int], Any] = {}
    for layer in backbone.layers:
        for tensor in layer.output if isinstance(layer.output, list) else [layer.output]:
            if len(tensor.shape) == 4 and None not in tensor.shape[1:3] and min(tensor.shape[1:3]) > 1:
                last[tensor.shape[1], tensor.shape[2]] = tensor
    output = backbone.outputs[0]
    grids = sorted(last, key=lambda grid: -grid[0] * grid[1])
    coarser = [last[grid] for grid in grids if len(output.shape) == 4 and grid > tuple(output.shape[1:3])]
    return [*coarser[-(LEVELS - 1) :], output]


def _components(sample: np.ndarray) -> np.ndarray:
    """The principal components of standardised rows, `(channels, components)`."""
    with single_threaded_blas():
        if len(sample) < sample.shape[1]:
            return np.linalg.svd(sample, full_matrices=False)[2][:COMPONENTS].T
        vectors = np.linalg.eigh(sample.T @ sample / len(sample))[1][:, ::-1]
    return vectors[:, :COMPONENTS]


def _run(extractor: Extractor, table: LabelTable, use: Callable[[int, np.ndarray], None]) -> None:
    import tensorflow as tf

    height, width, channels = extractor.network.input.shape[1:]
    table = replace(table, heads={})
    dataset = image_dataset(table, (height, width), BATCH, resize=extractor.resize, labels=False, channels=channels)
    network = extractor.network
    if keras.backend.backend() == "tensorflow":
        spec = tf.TensorSpec((None, height, width, channels), "uint8")
        compute = tf.function(lambda images: network(images, training=False)).get_concrete_function(spec)
    else:
        compute = network.predict_on_batch
    done = 0
    with plain_errors():
        for images in dataset:
            found = np.asarray(compute(images), "float32")
            use(done, found)
            done += len(found)
