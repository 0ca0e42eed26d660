"""The best weights, patience, and the progress that a person sees at a terminal or in a log."""

from __future__ import annotations

import re
from contextlib import redirect_stdout

import keras
import numpy as np
import pytest
from streams import Notebook, Terminal

from mtlzoo.training.callbacks import BestModel, Patience, Progress


@pytest.fixture
def model() -> keras.Model:
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])


def run(model: keras.Model, callbacks: list, scores: list[float], first: int = 0) -> int:
    """Epochs with these scores, in each of which the model's only weight is the score; returns how many there were."""
    model.stop_training = False
    for callback in callbacks:
        callback.set_model(model)
        callback.on_train_begin()
    for epoch, score in enumerate(scores, start=first):
        model.set_weights([np.full((1, 1), score)])
        for callback in callbacks:
            callback.on_epoch_end(epoch, {"val_score": score, "loss": 1 - score})
        if model.stop_training:
            return epoch - first + 1
    return len(scores)


# === BestModel ===


@pytest.mark.parametrize(
    ("scores", "epoch"),
    [([0.1, 0.5, 0.3], 1), ([0.5, 0.5], 0), ([-3.0, -2.0], 1), ([float("nan"), 0.2, float("nan")], 1), ([0.7], 0)],
)
def test_the_weights_of_the_best_epoch_are_kept(model, scores, epoch):
    seen = []
    best = BestModel(on_best=lambda given: seen.append(float(given.get_weights()[0][0, 0])))
    run(model, [best], scores)
    best.restore(model)
    assert best.best_epoch == epoch
    assert best.best == scores[epoch]
    assert model.get_weights()[0] == np.float32(scores[epoch])
    np.testing.assert_allclose(
        seen, [score for place, score in enumerate(scores) if score > max([-9, *scores[:place]])]
    )


def test_without_a_score_nothing_is_kept(model):
    best = BestModel()
    run(model, [best], [float("nan")] * 2)
    model.set_weights([np.full((1, 1), 5.0)])
    best.restore(model)
    assert best.best_epoch is None
    assert model.get_weights()[0] == 5


def test_the_best_is_kept_over_all_stages(model):
    best = BestModel()
    run(model, [best], [0.1, 0.6])
    run(model, [best], [0.5, 0.4], first=2)
    assert best.best_epoch == 1
    run(model, [best], [0.7], first=4)
    assert best.best_epoch == 4


# === Patience ===


def test_patience_ends_a_stage(model):
    best = BestModel()
    assert run(model, [best, Patience(best, 2)], [0.1, 0.3, 0.2, 0.3, 0.9]) == 4


def test_each_stage_has_its_whole_patience(model):
    best = BestModel()
    patience = Patience(best, 3)
    assert run(model, [best, patience], [0.5, 0.4, 0.4]) == 3
    assert run(model, [best, patience], [0.4, 0.4, 0.4, 0.4], first=3) == 3
    assert run(model, [best, patience], [0.4, 0.4, 0.6, 0.4], first=6) == 4


# === Progress ===


def show(progress: Progress, epochs: int = 2, steps: int | None = 4) -> None:
    """What Keras' `fit` calls."""
    progress.set_params({"steps": steps})
    progress.on_train_begin()
    for epoch in range(epochs):
        progress.on_epoch_begin(epoch)
        for batch in range(steps or 4):
            progress.on_train_batch_end(batch, {"loss": 2.0, "score": 0.25, "color_loss": 1.0})
        progress.on_test_begin()
        progress.on_epoch_end(
            epoch, {"loss": 1.5, "score": 0.5, "val_loss": 1.25, "val_score": 0.75, "color_loss": 1.0}
        )


def test_a_log_gets_one_line_an_epoch(capsys):
    best = BestModel()
    best.best_epoch = 1
    show(Progress("Stage 1 of 1: all", 12, best))
    output = capsys.readouterr().out
    assert "\r" not in output
    title, first, second = output.splitlines()
    assert title == "Stage 1 of 1: all"
    assert re.fullmatch(r"epoch  1/12  0:00  loss 1\.500 score 0\.500  val_loss 1\.250 val_score 0\.750", first)
    assert second == first.replace(" 1/12", " 2/12") + "  best"


@pytest.fixture
def terminal(monkeypatch) -> Terminal:
    """Standard output as a terminal of 72 columns shows it."""
    monkeypatch.setenv("COLUMNS", "72")
    return Terminal()


@pytest.fixture
def every_step(monkeypatch):
    """A clock on which every step takes a second."""
    times = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: next(times))


@pytest.mark.parametrize("steps", [4, None])
def test_a_terminal_sees_the_line_move(terminal, every_step, steps):
    with redirect_stdout(terminal):
        show(Progress("Stage 1 of 1: all", 2), steps=steps)
    output = terminal.getvalue()
    lines = output.split("\n")
    assert lines[0] == "Stage 1 of 1: all"
    assert lines[-1] == ""
    assert len(lines) == 4
    for line, epoch in zip(lines[1:3], (1, 2)):
        start, *drawn = line.split("\r")
        assert start == ""
        *moving, cleared, last = drawn
        assert len(moving) == 5
        assert all(text.startswith(f"epoch {epoch}/2  ") and len(text) == 71 for text in moving)
        assert "validating" in moving[-1]
        assert cleared == " " * 71
        assert re.fullmatch(rf"epoch {epoch}/2  0:0\d  loss 1.500 score 0.500  val_loss 1.250 val_score 0.750", last)
    assert "val_score" not in "".join(lines[1].split("\r")[:-1])


def test_a_finished_line_is_never_cut_and_fits_a_usual_terminal(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    best = BestModel()
    best.best_epoch = 9
    progress = Progress("title", 10, best)
    with redirect_stdout(terminal):
        progress.on_epoch_begin(9)
        progress.on_epoch_end(9, {"loss": 1.5, "score": 0.5, "val_loss": 1.25, "val_score": 0.75})
    last = terminal.getvalue().split("\r")[-1]
    assert last.endswith("val_score 0.750  best\n")
    assert len(last) <= 80


def test_the_bar_fills_and_tells_how_long_it_takes(terminal, every_step):
    with redirect_stdout(terminal):
        show(Progress("title", 1), epochs=1)
    drawn = terminal.getvalue().split("\r")
    bars = [re.search(r"\[(=*) *\] +(\d+)%  (\d:\d\d) left", text) for text in drawn]
    fractions = [(len(bar[1]), int(bar[2]), bar[3]) for bar in bars if bar]
    assert fractions == [(6, 25, "0:03"), (12, 50, "0:02"), (18, 75, "0:01"), (24, 100, "0:00")]


@pytest.mark.parametrize(("kind", "least", "most"), [(Terminal, 8, 14), (Notebook, 4, 7)])
def test_fast_steps_are_not_all_drawn(kind, least, most, monkeypatch):
    times = iter(np.arange(100_000) * 0.001)
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    stream = kind()
    with redirect_stdout(stream):
        show(Progress("title", 1), epochs=1, steps=1000)
    assert least < stream.getvalue().count("\r") < most


def test_a_notebook_sees_the_line_move_and_keeps_one_line_an_epoch(every_step):
    stream = Notebook()
    with redirect_stdout(stream):
        show(Progress("Stage 1 of 1: all", 2))
    assert stream.getvalue().count(" left") == 8
    kept = re.sub(r"[^\n]*\r(?=[^\n])", "", stream.getvalue()).splitlines()  # as a notebook is saved
    assert kept[0] == "Stage 1 of 1: all"
    assert [line.split("  ")[0] for line in kept[1:]] == ["epoch 1/2", "epoch 2/2"]


def test_a_line_that_was_broken_off_is_ended(terminal, every_step):
    progress = Progress("title", 1)
    progress.set_params({"steps": 4})
    with redirect_stdout(terminal):
        progress.on_train_begin()
        progress.on_epoch_begin(0)
        progress.on_train_batch_end(0, {"loss": 1.0})
        progress.close()
        progress.close()
    assert terminal.getvalue().endswith("0:03 left  loss 1.000" + " " * 6 + "\n")


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0:00"), (59.6, "1:00"), (3599, "59:59"), (36_061, "10:01:01")])
def test_durations(capsys, monkeypatch, seconds, shown):
    times = iter([0.0, seconds])
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    progress = Progress("title", 1)
    progress.on_epoch_begin(0)
    progress.on_epoch_end(0, {"loss": float("nan")})
    assert capsys.readouterr().out == f"epoch 1/1  {shown}  loss nan\n"
