"""Several devices find what one does, for every kind of head; a worker that is lost costs an epoch at most."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import replica_figures
from opened_files import opened_files
from replica_figures import BATCH, CASES, UNLABELLED, heads, labels

from mtlzoo.data import image_dataset
from mtlzoo.data.sharding import BatchShard
from mtlzoo.heads import HEADS
from mtlzoo.system import workers
from mtlzoo.training import Stage, fit
from mtlzoo.training.devices import find_devices

pytestmark = pytest.mark.long
PROGRAM = Path(replica_figures.__file__)
LIMIT = 900  # seconds, for two busy cores


def start(*arguments: object, **environment: str) -> subprocess.Popen:
    """Trainings in a process of its own, since a process has as many devices as it began with."""
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    surroundings = {"PYTHONPATH": os.pathsep.join(sys.path), "KERAS_BACKEND": "tensorflow", **environment}
    return subprocess.Popen(command, env={**os.environ, **surroundings}, stderr=subprocess.PIPE, text=True)


def start_workers(folder: Path, *arguments: object, lost: tuple[object, ...] = ()) -> list[subprocess.Popen]:
    """Two workers on this machine, the second with some further arguments."""
    sockets = [socket.socket() for _ in range(2)]
    for place in sockets:
        place.bind(("127.0.0.1", 0))
    names = [f"127.0.0.1:{place.getsockname()[1]}" for place in sockets]
    for place in sockets:
        place.close()
    configs = [json.dumps({"cluster": {"worker": names}, "task": {"type": "worker", "index": i}}) for i in range(2)]
    more = [(), lost]
    return [start(folder, *arguments, *more[i], TF_CONFIG=config) for i, config in enumerate(configs)]


def finish(*processes: subprocess.Popen) -> None:
    """Wait until all have ended well; none is left running."""
    try:
        for process in processes:
            _, errors = process.communicate(timeout=LIMIT)
            assert process.returncode == 0, errors[-3000:]
    finally:
        for process in processes:
            process.kill()


def equal(found: Path, expected: Path, case: str, tolerance: float, but: str = "nothing") -> None:
    """Whether all figures of a case are the same."""
    with np.load(found) as first, np.load(expected) as second:
        keys = [key for key in second if key.startswith(f"{case}: ") and not key.startswith(f"{case}: {but}")]
        others = [key for key in first if key.startswith(f"{case}: ") and not key.startswith(f"{case}: {but}")]
        assert sorted(keys) == sorted(others)
        assert len(keys) > 20
        for key in keys:
            np.testing.assert_allclose(first[key], second[key], rtol=tolerance, atol=tolerance, err_msg=key)


@pytest.fixture(scope="module")
def figures(tmp_path_factory) -> Path:
    """A folder with what one device finds, and two."""
    folder = tmp_path_factory.mktemp("figures")
    finish(start(folder, *CASES))
    return folder


def test_the_program_has_every_kind_of_head_and_batches_without_labels_on_a_replica():
    assert set(heads()) == set(HEADS) == {name for names in CASES.values() for name in names}
    known = labels(np.random.default_rng(0), 2 * BATCH)
    for name, head in heads().items():
        labelled = head.labelled(known[name])
        for batch, part in enumerate(UNLABELLED):
            assert not labelled[part].any()
            assert labelled[batch * BATCH : (batch + 1) * BATCH].any(), name


@pytest.mark.parametrize("case", CASES)
def test_two_devices_find_what_one_does(figures, case):
    """Losses, metrics, weights, the best model while training, and the model's answers afterwards."""
    equal(figures / "2.npz", figures / "1.npz", case, 2e-5)


def test_two_devices_of_jax_find_what_one_does(tmp_path):
    pytest.importorskip("jax")
    cases = ["pcgrad", "normalized"]
    finish(start(tmp_path, *cases, KERAS_BACKEND="jax"))
    for case in cases:
        equal(tmp_path / "2.npz", tmp_path / "1.npz", case, 2e-5)


def test_two_workers_find_what_one_device_does_even_if_one_is_lost(figures, tmp_path):
    """The chief's initial weights are those of both. The state is that of the last whole epoch."""
    chief, lost = start_workers(tmp_path, "pcgrad", "--folder", tmp_path, lost=("--die", 1))
    try:
        lost.communicate(timeout=LIMIT)
        assert lost.returncode == 9
        chief.communicate(timeout=LIMIT)  # it does not wait for ever
        assert chief.returncode != 0
    finally:
        lost.kill()
        chief.kill()
    with np.load(tmp_path / "pcgrad" / "training-state.npz") as state:
        assert json.loads(str(state["notes"]))["epoch"] == [0]
    finish(*start_workers(tmp_path, "pcgrad", "heads", "--folder", tmp_path))
    for worker in range(2):
        for case in ("pcgrad", "heads"):  # only the chief is told of the best model, if one comes after the restart
            told = worker == 0 and case == "heads"
            but = "nothing" if told else "best"
            equal(tmp_path / f"worker{worker}.npz", figures / "1.npz", case, 2e-5, but=but)


# === Shares of batches ===


def parts(shard: BatchShard, rows: int) -> tuple[list[int], list[float]]:
    chosen, factors = shard.rows(rows)
    return chosen.numpy().tolist(), factors.numpy().tolist()


def test_a_batch_is_filled_up_with_its_own_rows_at_no_weight():
    assert parts(BatchShard(2), 5) == ([0, 1, 2, 3, 4, 0], [1, 1, 1, 1, 1, 0])
    assert parts(BatchShard(2), 4) == ([0, 1, 2, 3], [1, 1, 1, 1])
    assert parts(BatchShard(4), 1) == ([0, 0, 0, 0], [1, 0, 0, 0])
    assert parts(BatchShard(4, first=2, count=2), 5) == ([4, 0, 1, 2], [1, 0, 0, 0])


def test_a_share_keeps_given_weights():
    import tensorflow as tf

    arrays = np.arange(3), {"a": np.arange(3), "b": np.arange(3)}
    for given, expected in (
        ((), [1, 1, 1, 0]),
        ((np.array([2.0, 3, 4]),), [2, 3, 4, 0]),
        (({"a": np.array([[2.0], [3], [4]])},), {"a": [2, 3, 4, 0], "b": [1, 1, 1, 0]}),
    ):
        shared = BatchShard(2).of(tf.data.Dataset.from_tensor_slices((*arrays, *given)).batch(3))
        x, y, weights = next(iter(shared))
        assert x.numpy().tolist() == [0, 1, 2, 0]
        assert y["b"].numpy().tolist() == [0, 1, 2, 0]
        found = (
            {name: value.numpy().tolist() for name, value in weights.items()} if isinstance(weights, dict) else weights
        )
        assert found == expected if isinstance(expected, dict) else found.numpy().tolist() == expected
        first, second = BatchShard(2).by_replica(shared)
        assert [first[0].numpy().tolist(), second[0].numpy().tolist()] == [[0, 1], [2, 0]]


def test_workers_read_their_own_rows_only_and_together_all(drawn):
    whole = list(image_dataset(drawn[1], (12, 10), 5, shuffle=True, seed=3))
    halves = []
    for worker in range(2):
        with opened_files() as opened:
            halves.append(
                list(image_dataset(drawn[1], (12, 10), 5, shuffle=True, seed=3, shard=BatchShard(2, worker, 1)))
            )
        assert 0 < len([name for name in opened if name.endswith(".png")]) <= len(drawn[1]) // 2 + 4
    for (images, *_), first, second in zip(whole, *halves, strict=True):
        together = np.concatenate([first[0], second[0]])
        kept = np.concatenate([first[2], second[2]]) > 0
        np.testing.assert_array_equal(together[kept], images)


# === Arguments ===


def test_devices_that_there_are_not():
    for wrong in (0, -1, True, [], "gpus", [1]):
        with pytest.raises(ValueError, match='Expected `devices` to be None, "all", a positive number or names'):
            find_devices(wrong)
    with pytest.raises(ValueError, match=r"Expected at most 1 devices \(CPU:0\), received: 99"):
        find_devices(99)
    with pytest.raises(ValueError, match=r"Expected the names of devices \(CPU:0\), received also: GPU:7"):
        find_devices(["cpu:0", "GPU:7"])
    assert find_devices("all").replicas == find_devices(1).replicas == 1


def test_the_learning_rate_grows_with_the_devices_if_asked(drawn, network, monkeypatch):
    one = find_devices()
    one.replicas = 4
    monkeypatch.setattr("mtlzoo.training.trainer.find_devices", lambda *args, **kwargs: one)
    rates = []
    for scaled in (False, True):
        model, stage = network({"color": 3}), Stage(1, 1e-3, schedule="constant", optimizer="sgd")
        history = fit(
            model, drawn[0].take(range(4)), stages=stage, augment=None, scale_learning_rate=scaled, verbose=False
        )
        rates += history.history["learning_rate"]
    np.testing.assert_allclose(rates, [1e-3, 4e-3])


def test_a_process_knows_which_worker_it_is(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert (workers.names(), workers.index(), workers.is_chief(), workers.join()) == ([], 0, True, None)
    cluster = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    for task, number in ((("chief", 0), 0), (("worker", 1), 2)):
        config = {"cluster": cluster, "task": {"type": task[0], "index": task[1]}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))
        assert workers.names() == ["chief:0", "worker:0", "worker:1"]
        assert (workers.index(), workers.is_chief()) == (number, number == 0)
    if keras.backend.backend() == "tensorflow":
        with pytest.raises(RuntimeError, match="Expected TensorFlow to learn of the 3 workers in TF_CONFIG before"):
            workers.join()
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "evaluator", "index": 0}}))
    assert workers.names() == []
    monkeypatch.setenv("TF_CONFIG", "worker 1")
    with pytest.raises(ValueError, match="Expected JSON in the environment variable TF_CONFIG, received: 'worker 1'"):
        workers.names()
