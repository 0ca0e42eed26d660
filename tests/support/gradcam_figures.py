"""Grad-CAM of a head of each kind: a program that prints its maps as JSON, for one backend after the other."""

from __future__ import annotations

import json
import sys

import keras
import numpy as np
from keras import layers

import mtlzoo as mtl

HEADS = {
    "tags": mtl.MultiLabelHead(["hood", "belt", "zip"], threshold=0.4),
    "length": mtl.ClassificationHead(["short", "knee", "midi", "long"], hidden=[6]),
    "kids": mtl.BinaryHead(),
    "fit": mtl.OrdinalHead(["slim", "regular", "wide"]),
    "price": mtl.RegressionHead(mean=30.0, scale=12.0),
    "sizes": mtl.RegressionHead(2, mean=1.0, scale=0.5),
    "age": mtl.ExpectationHead((0, 9)),
    "box": mtl.BoxHead(),
    "five": mtl.DualTaskHead(),
    "objects": mtl.DetectionHead(["triangle", "rectangle"], hidden=[4]),
    "corners": mtl.LandmarkHead(["collar_left", "collar_right", "hem"]),
    "looks": mtl.BinaryHead(pooling="attention"),
}


def small_model(heads=HEADS):
    """A network of two convolutions whose weights are the same on each backend."""
    images = keras.Input((16, 24, 3))
    x = layers.Rescaling(1 / 64, -2.0)(images)
    for filters in (6, 8):
        x = layers.Conv2D(filters, 3, strides=2, activation="relu")(x)
    model = mtl.build(keras.Model(images, x), heads, preprocessing="none", dropout=0.0)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        for part in layer.layers if isinstance(layer, keras.Model) else [layer]:
            if part.weights and not isinstance(part, layers.BatchNormalization):
                part.set_weights([rng.normal(0, 0.15, weights.shape) for weights in part.get_weights()])
    return model


def some_images(rows=3):
    return np.random.default_rng(1).uniform(0, 255, (rows, 16, 24, 3)).astype("float32")


def figures(backends_heads=HEADS) -> dict[str, list]:
    from mtlzoo.models.gradcam import gradcam_maps

    maps = gradcam_maps(small_model(backends_heads), some_images(), list(backends_heads))
    return {name: values.tolist() for name, values in maps.items()}


if __name__ == "__main__":
    json.dump(figures(), sys.stdout)
