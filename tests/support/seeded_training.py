"""The outcome of a training with a seed, to the last bit; `python seeded_training.py FOLDER` prints it."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import keras
from drawings import COLORS, draw_table
from quick_tensorflow import prepare_tensorflow

from mtlzoo.data import split
from mtlzoo.heads import ClassificationHead
from mtlzoo.models import build
from mtlzoo.training import Stage, fit


def outcome(folder: Path) -> list[str]:
    """Draw images into a folder, train on them with augmentation and dropout in two stages.

    Returns:
        A checksum of the weights, the losses and the scores of the epochs.
    """
    train, valid = split(draw_table(folder, rows=64).with_heads({"color": ClassificationHead(COLORS)}), [0.75, 0.25])
    keras.utils.set_random_seed(3)
    images = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(16, 3, strides=2)(images)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.SeparableConv2D(32, 3, activation="relu")(x)
    model = build(keras.Model(images, x, name="small"), train.heads, weights=None, preprocessing="tf", dropout=0.5)
    stages = [Stage(1, 1e-2, "heads"), Stage(2, 1e-2)]
    history = fit(model, train, valid, stages, batch_size=12, seed=5, verbose=False).history
    weights = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
    return [weights, str(history["loss"]), str(history["val_score"])]


if __name__ == "__main__":
    prepare_tensorflow()
    print(*outcome(Path(sys.argv[1])), sep="\n")
