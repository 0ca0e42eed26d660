"""No argument of any command ends in a traceback: exit code 0 or 2, at most one line of error, and soon."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mtlzoo.cli.main import main
from mtlzoo.cli.parser import parser

NUMBERS = ["-1", "0", "1.5", "nan", "inf", "-inf", "1e400", "9" * 25, "9" * 5000, "0x10", "1_000", "½", "²", "٣"]
TEXTS = [
    "",
    " ",
    "-",
    "日本",
    "\udcff",
    "a\0b",
    "\n",
    "x" * 300,
    "x" * 5000,
    "%s",
    "%(prog)s",
    "{}",
    "*",
    "[",
    "@t.csv",
]
PATHS = [
    "..",
    "/",
    ".",
    "d/" * 3000,
    "/dev/null",
    "img",
    "t.csv",
    "m.h5",
    "bytes.bin",
    "pipe",
    "img/0.png/x",
    "secret.csv",
]
PAIRS = ["=", "a=", "=b", "a=b=c", "color=nope", "alpha=nan", "cagrad:", "cagrad:c=nan", "static:a=1"]
STAGES = [
    ":",
    "heads",
    "heads:0:1",
    "heads:1:nan",
    "heads:1:-1",
    "heads:1:1e400",
    "all:1:1:x",
    "²:1:1",
    ",:1:1",
    "0:1:1",
]
VALUES = [*NUMBERS, *TEXTS, *PATHS, *PAIRS, *STAGES, "--"]
EACH = 4  # of so many values an option is given one, the next option the next one

# Of few layers, since a network is built for every value that could be one.
NETWORK = ["--backbone", "tcdcn", "--option", "batch_normalization=false", "--weights", "none"]
# Each stops for a reason of its own when nothing is wrong with the value: nothing is trained or drawn here.
BASES = {
    "demo": ["--out", "t.csv", "--images", "1"],
    "models": [],
    "make-data": ["shapes", "t.csv/x", "--images", "1"],
    "train": ["t.csv", *NETWORK, "--out", "run"],
    "pack": ["t.csv", "packed"],
    "evaluate": ["m.h5", "t.csv"],
    "predict": ["m.h5", "img/none.png"],
    "export": ["m.h5", "t.csv/model.h5"],
    "score": ["submission.csv", "submission.csv"],
    "new": ["t.csv"],
    "completion": ["bash"],
}
POSITIONS = {
    **{"make-data": 2, "train": 1, "pack": 2, "evaluate": 2, "predict": 2, "export": 2, "score": 2, "models": 1},
    "completion": 1,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model, a table with one image missing, and odd files."""
    import keras

    import mtlzoo as mtl

    folder = tmp_path_factory.mktemp("odd")
    (folder / "img").mkdir()
    for number in range(6):
        cv2.imwrite(str(folder / "img" / f"{number}.png"), np.full((20, 20, 3), 40 * number, np.uint8))
    images = [*(f"img/{number % 6}.png" for number in range(11)), "img/none.png"]
    frame = pd.DataFrame({"image": images, "color": ["red", "blue"] * 6, "age": np.arange(12) * 1.5})
    frame.to_csv(folder / "t.csv", index=False)
    inputs = keras.Input((16, 16, 3))
    model = mtl.build(
        keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs)), {"color": mtl.ClassificationHead(["blue", "red"])}
    )
    mtl.export(model, folder / "m.h5")
    (folder / "submission.csv").write_text("a.jpg,coat_length_labels,0.5;0.5\n")
    (folder / "bytes.bin").write_bytes(bytes(range(256)) * 8)
    (folder / "secret.csv").write_text("image,color\n")
    (folder / "secret.csv").chmod(0)
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
def fuzz(folder, monkeypatch, capsys):
    """Run commands in a folder that none of them may change."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    before = _snapshot(folder)

    def run(*arguments: str) -> tuple[int, str]:
        started = time.process_time()
        capsys.readouterr()
        try:
            code = main(list(arguments))
        except SystemExit as error:
            code = error.code
        shown = [argument[:60] for argument in arguments]
        lines = [line.rsplit("\r", 1)[-1] for line in capsys.readouterr().err.splitlines()]
        lines = [line for line in lines if not line.startswith(("Note: ", "Skipped ", "Checked "))]
        assert code in (0, 2), shown
        assert len(lines) <= 1, (shown, lines)
        assert code == 0 or lines[0].startswith("mtlzoo: error: "), (shown, lines)
        assert len("".join(lines)) < 2000, shown
        assert time.process_time() - started < 20, shown
        return code, "".join(lines)

    yield run
    assert _snapshot(folder) == before


def _snapshot(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_size for path in sorted(folder.rglob("*")) if not path.is_dir()}


def _options(command: str) -> list[str]:
    (commands,) = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    chosen = commands.choices[command]
    chosen.fill(chosen)
    taking = [action for action in chosen._actions if action.nargs != 0 and action.option_strings]
    return [action.option_strings[-1] for action in taking]


@pytest.mark.long
@pytest.mark.parametrize("command", BASES)
def test_values_of_options(fuzz, command):
    # Where a value is a name to write to, anything may be right; what is written is looked at elsewhere.
    for number, option in enumerate(_options(command)):
        if option == "--out" or (command, option) in {("train", "--cache"), ("train", "--feature-cache")}:
            continue
        for value in VALUES[number % EACH :: EACH]:
            fuzz(command, *BASES[command], f"{option}={value}")


@pytest.mark.parametrize("command", POSITIONS)
def test_values_in_their_places(fuzz, command):
    base = BASES[command]
    for place in range(POSITIONS[command]):
        if (command, place) in {("pack", 1), ("make-data", 1), ("export", 1)}:
            continue
        for value in VALUES[place::2]:
            if not value.startswith("-"):
                fuzz(command, *base[:place], value, *base[place + 1 :])
    fuzz(command)


PIPES = [
    *("labels.csv", "packed.json", "index.npz", "run.yaml", "training-state.npz", "train.csv", "training.txt"),
    *(".mtlzoo-drawn.txt", "model.json", "assets.extra/mtlzoo.json", "Annotations/label.csv", "Tests/question.csv"),
]


def test_pipes_are_not_waited_for(fuzz, folder):
    for name in PIPES:
        (folder / "pipes" / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(folder / "pipes" / name)
    for suffix in ("h5", "keras", "csv", "png"):
        os.mkfifo(folder / "pipes" / f"pipe.{suffix}")
    try:
        _wait_for_no_pipe(fuzz)
    finally:
        shutil.rmtree(folder / "pipes")


def _wait_for_no_pipe(fuzz):
    train = BASES["train"][1:]
    for model in ("pipe", "pipes/pipe.h5", "pipes/pipe.keras"):
        assert "a pipe, not a file" in fuzz("predict", model, "img/0.png")[1]
    for image in ("pipe", "pipes", "pipes/*.png"):
        assert "a pipe, not a file" in fuzz("predict", "m.h5", image)[1]
    for data in ("pipe", "pipes/pipe.csv", "pipes"):
        assert "a pipe, not a file" in fuzz("train", data, *train)[1]
        assert "a pipe, not a file" in fuzz("evaluate", "m.h5", data)[1]
        assert "a pipe, not a file" in fuzz("pack", data, "packed")[1]
    for name in ("fashionai", "mtfl", "packed", "shapes"):
        assert "a pipe, not a file" in fuzz("train", "pipes", "--format", name, *train)[1]
    for name in ("packed", "folders", "utkface"):
        assert "Expected a folder, received something else: pipe." in fuzz("train", "pipe", "--format", name, *train)[1]
    for arguments in (["--resume"], ["--overwrite"], ["--resume", "--overwrite"]):
        assert fuzz("train", "t.csv", *train[:-1], "pipes", *arguments)[0] == 2
    for form in (["savedmodel"], ["web", "--runtime", "cdn"]):
        assert fuzz("export", "m.h5", "pipes", "--overwrite", "--format", *form)[0] == 2
    assert fuzz("pack", "t.csv", "pipes", "--overwrite")[0] == 2
    assert fuzz("make-data", "shapes", "pipes", "--images", "1", "--overwrite")[0] == 2
    assert "a pipe, not a file" in fuzz("score", "submission.csv", "pipe")[1]


BAD_OUTPUTS = ["", " ", "a\0b", "x" * 300, "d/" * 3000, "..", "/", ".", "/dev/null", "img", "pipe", "img/0.png/x"]


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]], ids=["kept", "overwrite"])
def test_places_where_nothing_can_be_written(fuzz, overwrite):
    for out in [*BAD_OUTPUTS, "t.csv", "m.h5"]:
        commands = [
            ("predict", "m.h5", "img/0.png", f"--out={out}"),
            ("evaluate", "m.h5", "t.csv", f"--out={out}"),
            ("train", *BASES["train"][:-1], out),
            ("pack", "t.csv", out),
            ("export", "m.h5", out),
            ("export", "m.h5", out, "--format", "savedmodel"),
        ]
        for command in commands:
            if command[0] == "predict" and out == "t.csv" and overwrite:
                continue  # which is what was asked for
            assert fuzz(*command, *overwrite)[0] == 2, command
    assert "a file to write, received: 'new/'" in fuzz("predict", "m.h5", "img/0.png", "--out=new/", *overwrite)[1]
    for cache in BAD_OUTPUTS:
        if cache not in ("/", ".."):
            fuzz(*["train", *BASES["train"]], f"--cache={cache}")
            fuzz(*["train", *BASES["train"]], f"--feature-cache={cache}")


@pytest.mark.parametrize(
    ("option", "values"),
    {
        "--batch-size": ["0", "-1", "1.5", "nan", "9" * 30],
        "--seed": ["-1", str(2**32)],
        "--valid": ["1", "-0.1", "nan", "inf"],
        "--test": ["1", "1e9"],
        "--dropout": ["1", "-0.1", "nan"],
        "--label-smoothing": ["1", "-1"],
        "--image-size": ["0", "-32", "99999999"],
        "--hidden": ["0", "99999999"],
        "--patience": ["0"],
        "--stages": ["heads:0:1e-3", "heads:1:nan", "heads:1:0", "part", "heads:1:1e-3:line"],
        "--option": ["x", "=1"],
        "--balancing": ["nothing", "cagrad:x=1"],
        "--features": ["-1", "0", "some"],
    }.items(),
)
def test_numbers_out_of_range_are_refused_before_the_table_is_read(fuzz, option, values):
    for value in values:
        code, line = fuzz("train", "nowhere.csv", "--out", "run", f"{option}={value}")
        assert code == 2
        assert "nowhere.csv" not in line, (option, value)


def test_shares_that_leave_no_rows_to_train_on(fuzz):
    for arguments in (["--valid=0.5", "--test=0.5"], ["--test=0.95"], ["--valid=0.9999"]):
        code, line = fuzz("train", *BASES["train"], *arguments)
        assert code == 2
        assert "Expected --valid and --test" in line, arguments
