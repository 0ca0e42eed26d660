"""What all tests share. TensorFlow is loaded by the tests that need it, not here.

`unit/` has a folder for each room of the package, `integration/` what needs several of them, and `support/` the modules
that tests import. A test is marked by the folder that it lies in.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from asked import ALL
from eager import eager_steps
from memory import release_memory
from quick_tensorflow import prepare_tensorflow

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# The same few examples in every run, whatever the load; HYPOTHESIS_PROFILE=search looks for new ones.
hypothesis.settings.register_profile("same", derandomize=True, max_examples=20, deadline=None, database=None)
hypothesis.settings.register_profile("search", max_examples=1000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

TESTS = Path(__file__).parent
# With `scripts/test --coverage`. Counting lines makes a first training step take half as long again, and most of what runs
# here is TensorFlow's. These tests run nothing of the package that others do not.
NOT_COUNTED = [
    TESTS / "integration" / name
    for name in (
        *("backbones", "backends", "balancing", "benchmark", "models", "real_images"),
        *("documents/test_pages.py", "documents/test_readme.py"),
        *("training/test_balancing_monitor.py", "training/test_devices.py"),
        *("training/test_statistics_lag.py", "training/test_task_stopping.py"),
    )
]
LIMIT = 900  # seconds for a test that trains, on two busy cores; others have that of `setup.cfg`

pytest_plugins = ["left_out"]
pytest.register_assert_rewrite("head_checks", "written")


def pytest_configure(config: pytest.Config) -> None:
    if tuple(map(int, version("keras").split(".")[:2])) < (3, 15):
        # It reads the single input of any functional model back as a list, and warns of what was right before:
        # https://github.com/keras-team/keras/blob/v3.10.0/keras/src/models/functional.py (`_inputs_struct`)
        config.addinivalue_line("filterwarnings", "ignore:The structure of `inputs` doesn't match:UserWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("long") and not ALL:
            item.add_marker(pytest.mark.skip(reason="takes long: scripts/test --all"))
        if item.path.is_relative_to(TESTS / "unit"):
            item.add_marker(pytest.mark.unit)
            continue
        item.add_marker(pytest.mark.integration)
        if any(item.path.is_relative_to(path) for path in NOT_COUNTED):
            item.add_marker(pytest.mark.no_cover)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMIT))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Before the fixtures of the test, which may train."""
    prepare_tensorflow()


@pytest.fixture(autouse=True)
def _seeded():
    random.seed(0)
    np.random.seed(0)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture(scope="module", autouse=True)
def _memory_is_given_back():
    """A worker that goes through hundreds of networks would hold gigabytes of them otherwise."""
    yield
    release_memory()


@pytest.fixture(autouse=True)
def _files_are_compared_where_that_is_tested(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests write a file by the way, or compare it themselves; to run each once more takes minutes in all."""
    if TESTS / "integration" in request.path.parents and TESTS / "integration" / "saving" not in request.path.parents:
        monkeypatch.setattr("mtlzoo.saving.verifying.verify", lambda *args: None)


@pytest.fixture(autouse=True)
def _registries_as_before() -> Iterator[None]:
    """What a test registers is taken out again: others run in the same process."""
    from mtlzoo.backbones.registry import BACKBONES
    from mtlzoo.system import registries
    from mtlzoo.system.registry import Registry

    kinds = [BACKBONES, *(value for value in vars(registries).values() if isinstance(value, Registry))]
    before = [registry.names(plugins=False) for registry in kinds]
    yield
    for registry, names in zip(kinds, before):
        for name in set(registry.names(plugins=False)) - set(names):
            del registry[name]


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Keras models run without graphs."""
    with eager_steps():
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def tiny_backbone():
    """A functional model of a few layers for images of 16 to 32 pixels; its layers are named as MobileNet's are."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    images = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, -1.0, name="scaling")(images)
    for name, filters in {"conv_pw_1": 8, "conv_pw_11": 8, "conv_pw_12": 16}.items():
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False, name=name)(x)
        x = layers.BatchNormalization(name=f"{name}_bn")(x)
        x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.Dropout(0.3, name="drop")(x)
    return keras.Model(images, x, name="tiny")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared` beside the repository, with data that is not part of it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder `shared` beside the repository")
    return folder
