"""What is written has no argument that Keras 3.10 does not know, unless it says something."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import keras
import pytest
from keras import layers

from mtlzoo.models.older_keras import ADDED, for_older_keras, written_for_older_keras

# The names in `get_config` of Keras 3.10's classes.
KNOWN = json.loads(Path(__file__).with_name("keras_3_10.json").read_text(encoding="utf-8"))
CLASSES = [(module, name) for module, classes in KNOWN.items() for name in classes]


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_all_arguments_that_classes_have_got_since_are_known_with_their_defaults(module, name):
    """What fails here with a newer Keras belongs into `ADDED`."""
    kind = getattr(getattr(keras, module), name)
    arguments = {
        key: parameter
        for base in kind.__mro__[:-1]
        for key, parameter in inspect.signature(base.__init__).parameters.items()
    }
    for key in set(arguments) - set(KNOWN[module][name]):
        if key in ADDED:
            assert arguments[key].default == ADDED[key]
    made = example(kind)
    assert set(made.get_config()) - set(KNOWN[module][name]) <= set(ADDED)


def example(kind):
    given = {
        "alpha": 0.5,
        "axes": (0, 1),
        "rate": 0.5,
        "scale": 2.0,
        "activation": "relu",
        "dims": (1,),
        "n": 2,
        "equation": "ab,bc->ac",
        "bin_boundaries": [1.0],
        "target_shape": (2,),
    }
    wanted = inspect.signature(kind.__init__).parameters.values()
    missing = [each.name for each in wanted if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD]
    arguments = {name: given.get(name, 2) for name in missing if name != "self"}
    if kind is layers.InputLayer:
        arguments["shape"] = (2,)
    if kind is layers.Discretization:
        arguments["bin_boundaries"] = [1.0]
    return kind(**arguments)


def network() -> keras.Model:
    images = keras.Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(2, 3)(images))
    return keras.Model(images, layers.Dense(2)(layers.Flatten()(x)))


def names_in(config) -> set[str]:
    if isinstance(config, dict):
        return set(config).union(*map(names_in, config.values()))
    return set().union(*map(names_in, config)) if isinstance(config, list | tuple) else set()


def test_a_graph_without_them_is_the_same_graph():
    model = network()
    config = for_older_keras(model.get_config())
    assert not names_in(config) & set(ADDED)
    assert keras.Model.from_config(config).get_config() == model.get_config()


def test_what_says_something_stays():
    convolution = layers.Conv2D(2, 3)
    kept = {"class_name": "BatchNormalization", "config": {"renorm": True, "renorm_clipping": None, "axis": -1}}
    assert for_older_keras(kept)["config"] == {"renorm": True, "axis": -1}
    own = {"module": "mine", "class_name": "Dense", "config": {"optional": False, "inner": [kept]}}
    assert for_older_keras(own)["config"] == {"optional": False, "inner": [for_older_keras(kept)]}
    assert names_in(for_older_keras(convolution.get_config())) >= {"filters", "kernel_size"}


def test_files_are_written_so_and_the_model_is_as_before(tmp_path):
    model = network()
    before = model.get_config()
    with written_for_older_keras(model):
        model.save(tmp_path / "a.keras")
        assert not names_in(model.get_config()) & set(ADDED)
    assert model.get_config() == before
    again = keras.models.load_model(tmp_path / "a.keras")
    assert [layer.get_config() for layer in again.layers] == [layer.get_config() for layer in model.layers]
