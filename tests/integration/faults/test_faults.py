"""Disks that are full, folders that go away, clocks that go back, and two processes at once: each has an expected end."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

import keras
import killed_work
import limited_work
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.files.temporary import remove_leftovers


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return killed_work.table_in(tmp_path_factory.mktemp("images"))


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are those of POSIX")
def test_where_nothing_more_can_be_written_it_is_said_in_a_line_and_nothing_is_left(tmp_path):
    command = [sys.executable, limited_work.__file__, str(tmp_path)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert process.returncode == 0, process.stderr[-2000:]
    lines = [line.split("|") for line in process.stdout.splitlines() if "|" in line]
    told = {name: (outcome, left) for name, outcome, left in lines}
    for form, name in limited_work.EXPORTS.items():
        expected = (
            f"OSError: {tmp_path}/out/{name} cannot be written: files may not become so large there; it is as it was."
        )
        assert told[form] == (expected, ""), form
    state = (
        f"{tmp_path}/state/training-state.npz cannot be written: files may not become so large there; it is as it was."
    )
    assert told["fit"] == (f"OSError: {state}", "")
    assert told["train"][0] == "done: 2"
    (line,) = [line for line in process.stderr.splitlines() if "mtlzoo: error: " in line]
    assert "cannot be written: files may not become so large there; it is as it was." in line
    # Files that Keras 3.10 leaves open complain when they are thrown away.
    assert process.stderr.count("Traceback") == process.stderr.count("Exception ignored")


class Remove(keras.callbacks.Callback):
    """Removes a folder within an epoch."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            shutil.rmtree(self.folder)


@pytest.mark.usefixtures("eagerly")
def test_a_state_whose_folder_is_removed_is_written_anew(table, tmp_path):
    """What was trained so far is in memory, and no reason to give up."""
    how = {"stages": mtl.Stage(2, 1e-3), "resume": tmp_path / "state", "verbose": False}
    history = mtl.fit(killed_work.network(table), table, callbacks=[Remove(tmp_path / "state")], **how)
    assert history.epoch == [0, 1]
    again = mtl.fit(killed_work.network(table), table, **how)
    np.testing.assert_equal(again.history, history.history)


@pytest.mark.usefixtures("eagerly")
def test_a_clock_that_goes_back_changes_nothing(table, tmp_path, monkeypatch):
    how = {"stages": mtl.Stage(2, 1e-3), "verbose": False}
    expected = mtl.fit(killed_work.network(table), table, **how)
    now = time.time()
    for name in ("time", "time_ns"):
        factor = 1 if name == "time" else 10**9
        monkeypatch.setattr(time, name, lambda factor=factor, passed=[0]: _back(passed, now) * factor)
    model = killed_work.network(table)
    history = mtl.fit(model, table, resume=tmp_path, **how)
    np.testing.assert_equal(history.history, expected.history)
    mtl.export(model, tmp_path / "model.h5")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.h5", "training-state.npz"]


def _back(passed, now):
    """An hour earlier with each call."""
    passed[0] += 1
    return int(now - 3600 * passed[0])


def test_two_processes_that_write_one_file_leave_that_of_one(tmp_path):
    for name in ("images", "out"):
        (tmp_path / name).mkdir()
    command = [sys.executable, killed_work.__file__, "export", str(tmp_path / "images"), str(tmp_path / "out")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    try:
        for expected in (b"begins\n", b"written\n", b"written\n"):
            for process in both:
                assert process.stdout.readline() == expected, process.stderr.read()
    finally:
        for process in both:
            process.kill()
            process.communicate()
    remove_leftovers(tmp_path / "out")  # as the next write does; some file systems cannot exchange two folders at once
    models = killed_work.models(tmp_path / "images")
    weights = [model.get_weights()[0] for model in models]
    for name in ("model.h5", "model.keras"):
        found = mtl.load_model(tmp_path / "out" / name).get_weights()[0]
        assert any(np.array_equal(found, each) for each in weights), name
    assert (tmp_path / "out" / "served" / "saved_model.pb").exists()
