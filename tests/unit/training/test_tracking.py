"""One run in each tool, over all stages and interruptions."""

from __future__ import annotations

import importlib.machinery
import json
import sys
import types

import keras
import numpy as np
import pandas as pd
import pytest
from drawings import draw_table

from mtlzoo.data import split
from mtlzoo.models import build
from mtlzoo.training import Stage, Track, Tracking, fit
from mtlzoo.training.tracking import tracking as tracking_module

STAGES = [Stage(2, 1e-2, "heads"), Stage(2, 1e-3)]


class Stop(keras.callbacks.Callback):
    """Ctrl-C at the beginning of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return split(draw_table(tmp_path_factory.mktemp("drawn"), rows=24, size=(8, 8)), [0.5, 0.5])


@pytest.fixture(scope="module")
def run(rows):
    """Trains a tiny network."""

    def run(**arguments):
        keras.utils.set_random_seed(1)
        images = keras.Input((8, 8, 3))
        network = keras.Model(images, keras.layers.Conv2D(4, 3)(images))
        model = build(network, rows[0].heads, weights=None, preprocessing="tf")
        how = {"augment": None, "calibrate": False, "verbose": False, "resume": None} | arguments
        return fit(model, *rows, STAGES, **how)

    return run


class Store(list):
    """All calls of a tool that is not there."""

    def of(self, name):
        return [call[1:] for call in self if call[0] == name]


@pytest.fixture
def mlflow(monkeypatch):
    """MLflow, as far as it is used: a run has one value of a parameter, and its callback logs as MLflow's own does."""
    calls, module, keras_module = Store(), types.ModuleType("mlflow"), types.ModuleType("mlflow.keras")
    module.__spec__ = importlib.machinery.ModuleSpec("mlflow", None)
    active, known = [], {}

    def start_run(run_id=None, experiment_id=None, run_name=None):
        calls.append(("start", run_id, run_name))
        active.append(types.SimpleNamespace(info=types.SimpleNamespace(run_id=run_id or f"run{len(calls)}")))

    def log_params(parameters):
        for name, value in parameters.items():
            assert known.setdefault(name, value) == value, f"another value of {name}"
        calls.append(("parameters", parameters))

    class MlflowCallback(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            log_params({"optimizer_steps": str(self.model.optimizer.get_config()["learning_rate"])})

        def on_epoch_end(self, epoch, logs=None):
            calls.append(("epoch", epoch, logs))

        def on_test_end(self, logs=None):
            calls.append(("test", logs))

    MlflowCallback.__module__ = "mlflow.keras.callback"
    keras_module.MlflowCallback = MlflowCallback
    module.keras, module.start_run, module.log_params = keras_module, start_run, log_params
    module.active_run = lambda: active[-1] if active else None
    module.flush_async_logging = lambda: None
    module.log_metrics = lambda metrics: calls.append(("numbers", metrics))
    module.log_text = lambda text, file: calls.append(("file", file, text))
    module.end_run = lambda status: (active.clear(), calls.append(("end", status)))
    monkeypatch.setitem(sys.modules, "mlflow", module)
    monkeypatch.setitem(sys.modules, "mlflow.keras", keras_module)
    return calls


def test_stages_and_interruptions_are_one_run(run, mlflow, tmp_path):
    plain = run()
    track = Track("mlflow", name="first")
    assert run(track=track, resume=tmp_path, callbacks=[Stop(1)]).interrupted
    with Tracking(track) as tracking:
        history = run(track=tracking, resume=tmp_path)
        tracking.log_report(pd.DataFrame({"score": [0.5], "kind": ["softmax"]}, index=["color"]))
    assert history.history["val_score"] == plain.history["val_score"]  # logging changes nothing
    (first, second) = mlflow.of("start")
    assert (first[0], first[1], second[0]) == (
        None,
        "first",
        json.loads((tmp_path / "tracking.json").read_text())["mlflow"],
    )
    assert [epoch for epoch, _ in mlflow.of("epoch")] == [0, 1, 2, 3]
    logged = [metrics for _, metrics in mlflow.of("epoch")]
    for name in ("val_score", "color_accuracy", "stage", "learning_rate"):
        assert [metrics[name] for metrics in logged] == history.history[name], name
    (parameters,) = [given for (given,) in mlflow.of("parameters") if "batch_size" in given]
    assert parameters["stage2.learning_rate"] == 1e-3
    assert {"mtlzoo", "keras", "train_rows", "heads"} <= parameters.keys()
    assert mlflow.of("end") == [("KILLED",), ("FINISHED",)]
    assert ({"report/color/score": 0.5},) in mlflow.of("numbers")
    assert not mlflow.of("test")


def test_a_configured_callback_sees_its_events_in_the_run_that_is_open(run, mlflow):
    module = sys.modules["mlflow"]
    module.start_run(run_name="mine")
    run(track=module.keras.MlflowCallback())
    assert len(mlflow.of("start")) == 1
    assert not mlflow.of("end")
    assert len(mlflow.of("epoch")) == 4
    assert not mlflow.of("test")  # these metrics are those of the epoch once more


def test_what_cannot_be_logged_ends_no_training(run, mlflow, monkeypatch):
    def fail(self, epoch, logs=None):
        raise OSError("the server is gone")

    monkeypatch.setattr(sys.modules["mlflow"].keras.MlflowCallback, "on_epoch_end", fail)
    with pytest.warns(UserWarning, match=r"MLflow could not be written to.*the server is gone") as warned:
        assert len(run(track="mlflow").epoch) == 4
    assert len(warned) == 1


def test_a_run_that_cannot_be_opened_is_one_line(run, mlflow, monkeypatch):
    def fail(*arguments, **named):
        raise RuntimeError("no such experiment")

    monkeypatch.setattr(sys.modules["mlflow"], "start_run", fail)
    with pytest.raises(ConnectionError, match=r"MLflow: the run could not be opened.*no such experiment"):
        run(track="mlflow")


def test_tensorboard_reads_one_run_of_all_stages(run, tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run(track="tensorboard", resume=tmp_path, callbacks=[Stop(1)])
    history = run(track="tensorboard", resume=tmp_path).history

    def read(part, name):
        events = accumulators.EventAccumulator(str(tmp_path / "tensorboard" / part))
        events.Reload()
        found = [(event.step, event.tensor_proto.tensor_content) for event in events.Tensors(name)]
        return [step for step, _ in found], [float(np.frombuffer(content, np.float32)[0]) for _, content in found]

    assert read("validation", "epoch_score") == ([0, 1, 2, 3], pytest.approx(history["val_score"]))
    assert read("train", "epoch_loss") == ([0, 1, 2, 3], pytest.approx(history["loss"]))
    assert read("", "best_val_score")[1][-1] == pytest.approx(max(history["val_score"]))


def test_wrong_tools_are_refused_before_any_work(run, monkeypatch):
    with pytest.raises(ValueError, match=r"received: 'mlflo'. Did you mean 'mlflow'"):
        run(track="mlflo")
    with pytest.raises(TypeError, match=r"Other callbacks are given as `callbacks`"):
        run(track=keras.callbacks.EarlyStopping())
    with pytest.raises(ValueError, match="no `folder` with MLflow"):
        Track("mlflow", folder="logs")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"^Weights & Biases is not installed: pip install 'mtlzoo\[wandb\]'$"):
        run(track="wandb")


def test_of_several_workers_the_chief_logs(mlflow):
    trainer = types.SimpleNamespace(devices=types.SimpleNamespace(chief=False))
    assert Tracking("mlflow").callbacks(trainer) == []


def test_a_damaged_note_begins_a_new_run(tmp_path):
    (tmp_path / tracking_module.FILE).write_text("[1")
    assert tracking_module._read(tmp_path) == {}
