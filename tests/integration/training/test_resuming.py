"""Training that was broken off ends with the same numbers as training that was not."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from asked import usually
from eager import eager_steps

from mtlzoo import BalancingMonitor, TaskwiseEarlyStopping, Teach
from mtlzoo.data import LabelTable, image_dataset
from mtlzoo.errors import StateError
from mtlzoo.training import Stage, fit
from mtlzoo.training.state_file import read_state

STAGES = [Stage(2, 1e-2, "heads"), Stage(4, 2e-2, patience=3, optimizer="adam")]
SETTINGS = {"batch_size": 24, "seed": 3, "balancing": "dwa", "verbose": False}


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch: int, batch: int = 1):
        super().__init__()
        self.at, self.epoch = (epoch, batch), None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt


def same(weights: list, others: list) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(weights, others, strict=True))


def callbacks() -> list[keras.callbacks.Callback]:
    return [BalancingMonitor(), TaskwiseEarlyStopping("color", patience=1, threshold=0.0, verbose=False)]


@pytest.fixture(scope="module")
def whole(drawn, network):
    """The weights, the history and the callbacks of an uninterrupted training, with dropout and augmentation."""
    model, used = network(drawn[0].heads, dropout=0.3), callbacks()
    with eager_steps():
        history = fit(model, *drawn, STAGES, callbacks=used, **SETTINGS)
    assert used[1].stopped  # so that its state matters
    return model.get_weights(), history, used


def test_it_ends_as_if_it_had_not_been_interrupted(drawn, network, whole, tmp_path, eagerly):
    """In the first stage, between the stages and within the second; the network is a new one each time."""
    weights, expected, watched = whole
    for number, epoch in enumerate((1, 2, 4)):
        used = callbacks()
        model = network(drawn[0].heads, dropout=0.3)
        history = fit(model, *drawn, STAGES, resume=tmp_path, callbacks=[*used, Interrupt(epoch)], **SETTINGS)
        assert history.interrupted
        assert history.epoch == list(range(epoch)), number
    used, model = callbacks(), network(drawn[0].heads, dropout=0.3)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    history = fit(model, *drawn, STAGES, resume=tmp_path, callbacks=used, **SETTINGS)
    assert history.epoch == expected.epoch
    np.testing.assert_equal(history.history, expected.history)
    assert (history.best_epoch, history.interrupted) == (expected.best_epoch, False)
    assert same(model.get_weights(), weights)
    assert used[1].stopped == watched[1].stopped
    np.testing.assert_array_equal(used[0].to_frame(), watched[0].to_frame())
    assert [path.name for path in tmp_path.iterdir()] == ["training-state.npz"]

    again = network(drawn[0].heads, dropout=0.3)
    history = fit(again, *drawn, STAGES, resume=tmp_path, callbacks=callbacks(), **SETTINGS)
    np.testing.assert_equal(history.history, expected.history)
    assert same(again.get_weights(), weights)


@pytest.mark.parametrize(
    "more",
    usually(
        [{"average": 0.9}],
        [
            {},
            {"average": 0.9},
            {"balancing": None, "batch_norm": "fresh"},
            {"mix": "mixup", "balancing": "uncertainty"},
        ],
    ),
)
def test_it_goes_on_within_an_epoch(drawn, network, tmp_path, eagerly, more):
    """Twice within one epoch, in the last batch of another, at the start of a third."""
    settings = {**SETTINGS, "batch_size": 8, **more}
    stages = [Stage(1, 1e-2, "all"), Stage(3, 2e-2, patience=2, weight_decay=0.01)]

    def train(*others, **how):
        used = callbacks()
        model = network(drawn[0].heads, dropout=0.3)
        history = fit(model, *drawn, stages, callbacks=[*used, *others], **settings, **how)
        return model, history, used

    model, expected, watched = train()
    state = {"resume": tmp_path, "save_every": 1e-9}
    # From where it goes on, batches are counted anew.
    for epoch, batch, done in ((0, 2, 2), (0, 2, 4), (1, 5, 5), (2, 1, 1)):
        train(Interrupt(epoch, batch), **state)
        notes, _ = read_state(tmp_path / "training-state.npz")
        assert (len(notes["epoch"]), notes["batches"], notes["over"]) == (epoch, done, False)
    resumed, history, used = train(**state)
    assert history.epoch == expected.epoch
    np.testing.assert_equal(history.history, expected.history)
    assert history.best_epoch == expected.best_epoch
    assert same(resumed.get_weights(), model.get_weights())
    np.testing.assert_array_equal(used[0].to_frame(), watched[0].to_frame())


def test_a_stage_after_an_interruption_has_its_whole_patience(drawn, network, tmp_path, eagerly):
    """Nothing is learned, so that no epoch is better than the first."""
    heads = {"color": drawn[0].heads["color"]}
    stages = [Stage(2, 1e-12, "heads"), Stage(5, 1e-12, "heads", patience=2)]
    given = {"stages": stages, "features": None, "verbose": False}
    expected = fit(network(heads), *drawn, **given).epoch
    fit(network(heads), *drawn, resume=tmp_path, callbacks=[Interrupt(2)], **given)
    assert read_state(tmp_path / "training-state.npz")[0]["over"]
    assert fit(network(heads), *drawn, resume=tmp_path, **given).epoch == expected


class Counting(keras.callbacks.Callback):
    """Notes what it is told."""

    def __init__(self):
        super().__init__()
        self.told = []

    def on_train_begin(self, logs=None):
        self.told.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.told.append((epoch, self.params["steps"]))

    def on_train_end(self, logs=None):
        self.told.append("end")


def test_callbacks_see_one_training_within_a_stage(drawn, network, tmp_path, eagerly):
    heads, counting = {"color": drawn[0].heads["color"]}, Counting()
    given = {"stages": Stage(3, 1e-2), "resume": tmp_path, "save_every": 1e-9, "batch_size": 8, "verbose": False}
    fit(network(heads), *drawn, callbacks=[Interrupt(0, 4)], **given)
    fit(network(heads), *drawn, callbacks=[counting], **given)
    assert counting.told == ["begin", (0, 2), (1, 6), (2, 6), "end"]


@pytest.mark.parametrize("save_every", [0, -1, float("nan")])
def test_the_state_is_saved_after_some_time(drawn, network, tmp_path, save_every):
    with pytest.raises(
        ValueError, match="Expected `save_every` to be a number of minutes above 0, or None, received: "
    ):
        fit(network({"color": 3}), *drawn, resume=tmp_path, save_every=save_every)


def test_it_is_not_saved_within_an_epoch_whose_start_cannot_be_had_again(drawn, network, tmp_path, eagerly):
    heads = {"color": drawn[0].heads["color"]}
    datasets = [image_dataset(table.for_heads(heads), (12, 10), batch_size=8) for table in drawn]
    given = {"stages": Stage(2, 1e-2), "save_every": 1e-9, "verbose": False}
    for name, rows, more in (("dataset", datasets, {}), ("taught", drawn, {"teach": Teach()})):
        fit(network(heads), *rows, resume=tmp_path / name, callbacks=[Interrupt(1)], **given, **more)
        notes, _ = read_state(tmp_path / name / "training-state.npz")
        assert (notes["epoch"], notes["batches"]) == ([0], 0)


def test_without_validation_the_last_weights_are_left(drawn, network, tmp_path):
    """With a graph of the step, which the other trainings here do without."""
    heads, settings = {"color": drawn[0].heads["color"]}, {**SETTINGS, "balancing": None}
    model = network(heads, dropout=0.3)
    expected = fit(model, drawn[0], stages=Stage(3, 1e-2), **settings)
    interrupted = network(heads, dropout=0.3)
    fit(interrupted, drawn[0], stages=Stage(3, 1e-2), resume=tmp_path, callbacks=[Interrupt(2)], **settings)
    resumed = network(heads, dropout=0.3)
    history = fit(resumed, drawn[0], stages=Stage(3, 1e-2), resume=tmp_path, **settings)
    np.testing.assert_equal(history.history, expected.history)
    assert same(resumed.get_weights(), model.get_weights())


def test_other_arguments_are_refused(drawn, network, tmp_path, eagerly):
    heads = {"color": drawn[0].heads["color"]}
    given = {"stages": Stage(1, 1e-2), "resume": tmp_path, "verbose": False}
    model = network(heads)
    fit(model, *drawn, **given)
    before = model.get_weights()
    for name, value, message in (
        ("batch_size", 8, "`batch_size` was 32, received: 8. Remove the file"),
        ("seed", 1, "`seed` was 0, received: 1"),
        ("augment", None, "`augment` was default, received: None"),
        ("stages", Stage(2, 1e-2), "`stages` was epochs=1, .*, received: epochs=2"),
        ("sample_weight", "weight", "`sample_weight` was None, received: weight"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(model, *drawn, **{**given, name: value})
    with pytest.raises(ValueError, match=r"`train` was 48 rows \(.*\), received: 47 rows"):
        fit(model, drawn[0].take(range(47)), drawn[1], **given)
    with pytest.raises(ValueError, match=r"`model` was a model of .* parameters"):
        fit(network({"color": 3, "bright": drawn[0].heads["bright"]}), *drawn, **given)
    assert same(model.get_weights(), before)
    (tmp_path / "training-state.npz").write_bytes(b"nothing")
    with pytest.raises(StateError, match=r"training-state\.npz: not the state of a training, or a damaged one"):
        fit(model, *drawn, **given)


# === Damage ===


@pytest.fixture(scope="module")
def written(drawn, network, tmp_path_factory):
    """A state, and what trains on from there."""
    folder = tmp_path_factory.mktemp("state")
    heads = {"color": drawn[0].heads["color"]}

    def train(resume, tables=drawn, **arguments):
        with eager_steps():
            return fit(network(heads), *tables, stages=Stage(1, 1e-2), resume=resume, verbose=False, **arguments)

    train(folder)
    return (folder / "training-state.npz").read_bytes(), train


def place(content: bytes, folder: Path) -> Path:
    (folder / "training-state.npz").write_bytes(content)
    return folder


def outcome(path: Path) -> tuple | str:
    try:
        return read_state(path)
    except StateError as error:
        return str(error)


def test_a_damaged_state_is_named_or_of_no_consequence(written, tmp_path):
    """Cut anywhere, and with any byte changed: one line that names the file, or exactly what was written."""
    content, _ = written
    path = place(content, tmp_path) / "training-state.npz"
    notes, arrays = read_state(path)
    rng = np.random.default_rng(0)
    changed = [content[:cut] for cut in (0, 1, 30, len(content) // 2, len(content) - 30, len(content) - 1)]
    for position in rng.integers(0, len(content), 150):
        flipped = bytearray(content)
        flipped[position] ^= int(rng.integers(1, 256))
        changed.append(bytes(flipped))
    refused = 0
    for damaged in changed:
        path.write_bytes(damaged)
        found = outcome(path)
        if isinstance(found, str):
            refused += 1
            assert found.startswith(str(path)), found
            assert "delete it" in found
            assert "\n" not in found
            continue
        assert found[0] == notes
        for kind, values in arrays.items():
            assert same(values, found[1][kind])
    assert refused > 100


def test_damage_is_refused_before_training(written, tmp_path):
    content, train = written
    with pytest.raises(StateError, match=r"training-state\.npz: .*delete it"):
        train(place(content[: len(content) // 2], tmp_path))
    (tmp_path / "training-state.npz").unlink()
    (tmp_path / "training-state.npz").mkdir()
    with pytest.raises(StateError, match=r"is a directory, not a file; delete it"):
        train(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match=r"Expected a folder for the state of the training, received a file: .*file"):
        train(tmp_path / "file")


def test_states_of_other_versions_and_foreign_archives_are_refused(written, tmp_path):
    _, train = written
    path = tmp_path / "training-state.npz"
    for version, message in (
        (1, "another version of mtlzoo"),
        (99, r"another version of mtlzoo \(format 99, expected 3"),
    ):
        np.savez(path, notes=np.array(json.dumps({"version": version, "counts": {}})))
        with pytest.raises(StateError, match=message):
            train(tmp_path)
    for foreign in ({"weights": np.zeros(3)}, {"notes": np.array("[" * 100_000)}, {"notes": np.array("{}")}):
        np.savez(path, **foreign)
        with pytest.raises(StateError, match=r"training-state\.npz"):
            train(tmp_path)
    np.savez_compressed(path, notes=np.zeros(10**7))
    with pytest.raises(StateError, match="not the state of a training"):
        train(tmp_path)


@pytest.mark.parametrize("number", [0, 1])
def test_a_changed_image_is_named(drawn, written, tmp_path, number):
    _, train = written
    shutil.copytree(drawn[0].root, tmp_path / "images")
    tables = [LabelTable(table.frame, table.heads, tmp_path / "images", table.source) for table in drawn]
    train(tmp_path / "state", tables)
    path = Path(tables[number].paths()[5])
    status, content = path.stat(), path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(StateError, match=rf"in `{('train', 'valid')[number]}` the content of \d+ of \d+ .*{path.name}"):
        train(tmp_path / "state", tables)
    path.write_bytes(content)
    train(tmp_path / "state", tables)


def test_other_callbacks_are_refused(written, tmp_path):
    content, train = written
    with pytest.raises(StateError, match=r"expected the 0 callbacks with a state .* received: 1"):
        train(place(content, tmp_path), callbacks=[BalancingMonitor()])
