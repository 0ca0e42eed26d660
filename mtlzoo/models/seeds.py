"""Where whatever is random in a model has got to."""

from __future__ import annotations

import keras


def seeds(layer: keras.Layer) -> list[keras.Variable]:
    """The states of the generators that dropout, and some balancing methods, draw from, of a model or a layer."""
    return [variable for variable in layer.variables if variable.path.endswith("seed_generator_state")]
