"""Whatever is killed at any moment leaves no half of anything, and what goes on ends as if nothing had been.

One kill of each kind in each run of the tests, a hundred of each kind with `scripts/test --all`.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time

import keras
import killed_work
import numpy as np
import pytest
import tensorflow as tf
from asked import ALL

import mtlzoo as mtl

KILLS = 100 if ALL else 1
pytestmark = pytest.mark.timeout(300 + 60 * KILLS)


def begin(*arguments) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, killed_work.__file__, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == b"begins\n", process.stderr.read().decode()[-2000:]
    return process


def kill(process: subprocess.Popen, seconds: float) -> bool:
    """Kill a process after some time, and tell whether it was still at work."""
    with process:
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return True
    assert process.returncode == 0, process.returncode
    return False


def test_a_training_ends_as_if_it_had_not_been_killed(tmp_path):
    for name in ("images", "whole", "killed"):
        (tmp_path / name).mkdir()
    process, began = begin("train", tmp_path / "images", tmp_path / "whole"), time.monotonic()
    assert not kill(process, 300)
    seconds, chance, kills = 0.8 * (time.monotonic() - began), random.Random(1), 0  # of which the first is early
    expected = np.load(tmp_path / "whole" / "end.npz")
    while kills < KILLS:
        # A network is made anew each time before it goes on, so that few batches pass between two kills.
        kills += kill(begin("train", tmp_path / "images", tmp_path / "killed"), chance.uniform(0, seconds))
        if (tmp_path / "killed" / "end.npz").exists():
            _compare(tmp_path / "killed", expected)
            for path in (tmp_path / "killed").iterdir():
                path.unlink()
    assert not kill(begin("train", tmp_path / "images", tmp_path / "killed"), 300)
    _compare(tmp_path / "killed", expected)


def _compare(folder, expected):
    found = np.load(folder / "end.npz")
    assert set(found.files) == set(expected.files)
    for name in expected.files:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_an_export_is_the_old_file_or_the_new_one(tmp_path):
    for name in ("images", "out"):
        (tmp_path / name).mkdir()
    out, chance = tmp_path / "out", random.Random(0)
    both = killed_work.models(tmp_path / "images")
    images = np.random.default_rng(0).integers(0, 256, (4, *killed_work.SIZE), "uint8")
    expected = [{name: np.asarray(value) for name, value in model(images).items()} for model in both]
    for _ in range(KILLS):
        assert kill(begin("export", tmp_path / "images", out), chance.uniform(0.05, 3))
        for form, name in killed_work.FORMATS.items():
            if (out / name).exists():
                found = _answers(form, out / name, images)
                assert any(_close(found, each) for each in expected), (form, found, expected)
    for form, name in killed_work.FORMATS.items():
        mtl.export(both[0], out / name, form, overwrite=True)
    assert sorted(path.name for path in out.iterdir()) == sorted(killed_work.FORMATS.values())


def _answers(form, path, images):
    if form == "savedmodel":
        served = tf.saved_model.load(path)  # which has to live as long as it is called
        return {name: np.asarray(value) for name, value in served.serve(images).items()}
    if form == "h5":
        model = keras.saving.load_model(path, compile=False)
        return {name: np.asarray(value) for name, value in model(images).items()}
    return {name: np.asarray(value) for name, value in mtl.load_model(path)(images).items()}


def _close(found, expected):
    return all(np.allclose(found[name], value, atol=1e-5) for name, value in expected.items())
