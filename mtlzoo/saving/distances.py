"""The output that tells how unlike known images an image is, in files that a runtime without Keras runs."""

from __future__ import annotations

import keras

from mtlzoo.models.known_images import KnownImages, distance_name
from mtlzoo.models.splitting import shared_features


def with_distance(model: keras.Model, known: KnownImages) -> keras.Model:
    """The model with one output more, the distance of an image from known ones.

    Args:
        model: A plain model with an output for each head.
        known: The images that it knows.
    """
    outputs = {**model.output, distance_name(model.output): known.distance(shared_features(model))}
    return keras.Model(model.input, outputs, name=model.name)
