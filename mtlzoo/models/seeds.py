"""Where whatever is random in a model has got to."""

from __future__ import annotations

import keras
import numpy as np


def seeds(layer: keras.Layer) -> list[keras.Variable]:
    """The states of the generators that dropout, and some balancing methods, draw from, of a model or a layer."""
    return [variable for variable in layer.variables if variable.path.endswith("seed_generator_state")]


def reseed(model: keras.Model, seed: int) -> None:
    """Seed all generators: Python's, numpy's, Keras' own, and those of a model, which have moved on since it was built."""
    keras.utils.set_random_seed(seed)
    states = seeds(model)
    for state, start in zip(states, np.random.SeedSequence([seed, 0]).generate_state(len(states)) >> 1):
        state.assign([start, 0])
