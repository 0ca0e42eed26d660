"""A family of backbones, trained for two short epochs on bright and dark images."""

from __future__ import annotations

import numpy as np


def bright_and_dark(size: tuple[int, int], count: int = 160, batch_size: int = 16):
    """Images of a size with labels, in batches."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    images = np.clip(rng.normal(90 + 60 * labels[:, None, None, None], 40, (count, *size, 3)), 0, 255)
    return tf.data.Dataset.from_tensor_slices((images.astype("uint8"), {"bright": labels})).batch(batch_size)


def losses_after_two_epochs(name: str) -> tuple[float, float]:
    """The loss in inference mode and in training mode."""
    import keras

    import mtlzoo as mtl
    from mtlzoo.backbones.registry import BACKBONES
    from mtlzoo.training.statistics_lag import compare_modes

    keras.utils.set_random_seed(0)
    size = BACKBONES[name].minimum_size
    arguments = {"alpha": 0.35} if name == "MobileNetV2" else {"alpha": 0.25} if name == "MobileNet" else {}
    model = mtl.build(name, {"bright": mtl.BinaryHead()}, (*size, 3), None, dropout=0.0, **arguments)
    data = bright_and_dark(size)
    mtl.fit(model, data, data.take(2), [mtl.Stage(2, 1e-4)], verbose=False)
    inference, training = compare_modes(model, data)
    return float(inference), float(training)
