"""What a run was told, in its `run.yaml`, and back on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import pytest
from drawings import draw_table

from mtlzoo.cli.argument_types import OneLineParser
from mtlzoo.cli.commands import train
from mtlzoo.cli.recipe_options import recipe_of
from mtlzoo.cli.run_options import told_options
from mtlzoo.training import Recipe, Stage
from mtlzoo.training.run_file import describe_run, other_data, read_run_file, write_run


@pytest.fixture
def parser() -> OneLineParser:
    parser = OneLineParser(prog="mtlzoo train")
    train.add_arguments(parser)
    return parser


def written(path: Path, options: argparse.Namespace, parser: OneLineParser) -> Path:
    run = describe_run("train", told_options(options, parser), None, {}, recipe_of(options))
    return write_run(run, path)


TOLD = [
    *["labels.csv", "--heads", "color", "size=ordinal:S,M,L", "--option", "alpha=0.25", "--option", "depth=2"],
    *["--image-size", "48", "64", "--valid", "0.2", "--missing", "?", "--resize", "pad", "--jit-compile"],
    *["--stages", "heads:1:1e-3", "all:3:1e-4:constant", "--batch-size", "7", "--balancing", "cagrad:c=0.4"],
    *["--track", "tensorboard", "--out", "run", "--quiet", "--teacher", "itself", "--seed", "3"],
]


def test_the_options_come_back(parser, tmp_path):
    told = parser.parse_args(TOLD)
    path = written(tmp_path / "run.yaml", told, parser)
    text = path.read_text()
    assert text.startswith("# A run of `mtlzoo train`, which comes again with: mtlzoo train --config run.yaml --out")
    assert "image-size:\n  - 48\n  - 64\n" in text
    assert not {"out", "quiet", "dropout", "recipe"} & read_run_file(path).options.keys()
    again = OneLineParser()
    train.add_arguments(again)
    options = again.parse_args(["--config", str(path)])
    left_out = {"out": None, "quiet": False, "config": str(path), "recipe": str(path)}
    assert vars(options) == {**vars(told), **left_out}
    assert repr(recipe_of(options)) == repr(recipe_of(told))


def test_a_file_promises_no_more_than_the_command_line_takes(tmp_path):
    run = describe_run("demo", {"data": "blood_cells"}, "split", {}, Recipe([Stage(1)]))
    assert write_run(run, tmp_path / "run.yaml").read_text().startswith("# A run of `mtlzoo demo`\n# Paths are")


def test_other_options_override_those_of_the_file(parser, tmp_path):
    path = written(tmp_path / "run.yaml", parser.parse_args(TOLD), parser)
    again = OneLineParser()
    train.add_arguments(again)
    options = again.parse_args(["--seed", "9", f"--config={path}", "--heads", "color", "--recipe", "fast"])
    assert (options.seed, options.heads, options.recipe, options.batch_size) == (9, ["color"], "fast", 7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "run.yaml: expected what a run was told, with `options` by their names"),
        ("options: 3", "run.yaml: expected something else as `options`, received: '3'"),
        ("optionen: {}\noptions: {}", "run.yaml: expected command, options, .*, received: 'optionen'"),
        ("options: {}", "run.yaml: expected `data` among the options"),
        (
            "options: {data: a.csv, batchsize: 3}",
            "run.yaml: expected options among .*batch-size.*, received: 'batchsize'",
        ),
        ("options: {data: a.csv, out: b}", "run.yaml: expected options among .*, received: 'out'"),
        ("options: {data: a.csv, batch-size: many}", "run.yaml: argument --batch-size: expected a whole number"),
        ("options: {data: a.csv, resize: bend}", "run.yaml: argument --resize: invalid choice: 'bend'"),
        ("options: {data: a.csv, skip-bad: 3}", "expected true or false as 'skip-bad', received: '3'"),
        ("options: {data: a.csv, heads: {a: 3}}", "expected true or false as 'heads'|expected"),
        (
            "command: demo\noptions: {data: a.csv}",
            "run.yaml: expected a run of `mtlzoo train`, received one of `mtlzoo demo`",
        ),
        ("data: {train: 3}\noptions: {data: a.csv}", "run.yaml: expected `rows`, `labels` and `images`"),
        ("a: [", "run.yaml: expected YAML or JSON"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(parser, tmp_path, capsys, text, message):
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(SystemExit):
        parser.parse_args(["--config", str(tmp_path / "run.yaml")])
    (line,) = capsys.readouterr().err.splitlines()
    assert pd.Series([line]).str.contains(message).all(), line


def test_a_file_that_is_not_there_is_named(parser, tmp_path, capsys):
    with pytest.raises(SystemExit):
        parser.parse_args(["--config", str(tmp_path / "none.yaml")])
    assert "none.yaml" in capsys.readouterr().err


def test_other_rows_labels_or_images_are_noticed(tmp_path):
    table = draw_table(tmp_path, rows=6)
    run = describe_run("train", {"data": "labels.csv"}, None, {"train": table}, Recipe([Stage(1)]))
    assert run.data["train"]["rows"] == 6
    assert run.settings()["train_rows"] == 6
    assert other_data(run, {"train": table}) is None
    assert "train (rows, labels, images)" in other_data(run, {"train": table.take(range(5))})
    Path(table.paths()[2]).write_bytes(Path(table.paths()[1]).read_bytes())
    assert "others: train (images)" in other_data(run, {"train": table.take(range(6))})
