"""Published splits and the kinds of heads on the command line."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest
from eager import eager_steps

from mtlzoo.cli.main import main
from mtlzoo.training.run_file import read_run_file

pytestmark = pytest.mark.usefixtures("eagerly")

SMALL = ["--image-size", "32", "--weights", "none", "--augment", "none"]
MOBILENET = ["--backbone", "MobileNet", "--option", "alpha=0.25", *SMALL]
TCDCN = ["--backbone", "tcdcn", "--option", "batch_normalization=false", *SMALL]
SHORT = ["--stages", "all:1:1e-3", "--batch-size", "8"]
PARTS = ("train", "train", "val", "test")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Forty images with a published split, of which the last four rows have no part."""
    folder, rows = tmp_path_factory.mktemp("photographs"), []
    for row in range(40):
        cv2.imwrite(str(folder / f"{row}.png"), np.full((32, 32, 3), (row % 3 * 80, 0, row * 6), np.uint8))
        part = "" if row >= 36 else PARTS[row // 3 % 4]
        rows.append((f"{row}.png", "SML"[row % 3], "hat;scarf" if row % 2 else "hat", part))
    pd.DataFrame(rows, columns=["image", "size", "tags", "split"]).to_csv(folder / "labels.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def run(photographs, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    heads = ["--heads", "size=ordinal:S,M,L", "tags"]
    with eager_steps():
        assert main(["train", str(photographs / "labels.csv"), *heads, *MOBILENET, *SHORT, "--out", str(out)]) == 0
    return out


def refusal(capsys, *arguments) -> str:
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("mtlzoo: error: ")]
    return line


def test_train_follows_the_published_split(run, capsys):
    settings = read_run_file(run / "run.yaml").settings()
    assert [settings[f"{part}_rows"] for part in ("train", "valid", "test")] == [18, 9, 9]
    answers = pd.read_csv(run / "answers.csv")
    assert set(answers["image"].str.removesuffix(".png").astype(int) // 3 % 4) == {3}


def test_levels_keep_the_order_that_was_given(run):
    assert "ordinal, 3 levels" in (run / "report.csv").read_text()
    assert set(pd.read_csv(run / "answers.csv")["size"]) <= {"S", "M", "L"}


def test_evaluate_takes_one_part(run, photographs, capsys):
    model, labels = str(run / "model.h5"), str(photographs / "labels.csv")
    for arguments, rows in (([], 40), (["--part", "test"], 9), (["--part", "val"], 9), (["--part", "train"], 18)):
        capsys.readouterr()
        assert main(["evaluate", model, labels, *arguments]) == 0
        size = next(line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("size"))
        assert f" {rows} " in size
    assert "received: 'all'" in refusal(capsys, "evaluate", model, labels, "--part", "all")


def test_shares_beside_a_published_split_are_refused(photographs, tmp_path, capsys):
    command = ["train", photographs / "labels.csv", "--heads", "tags", *TCDCN, *SHORT, "--out", tmp_path / "run"]
    line = refusal(capsys, *command, "--valid", "0.2")
    assert "Expected no --valid, since column 'split' says which rows are for that" in line
    assert "--split-column none" in line
    assert main([*map(str, command), "--valid", "0.2", "--split-column", "none"]) == 0
    assert read_run_file(tmp_path / "run" / "run.yaml").settings()["valid_rows"] == 8
    assert "split by chance, whatever the column 'split' says" in capsys.readouterr().err


def test_rows_without_a_part_and_another_column(photographs, tmp_path, capsys):
    out, labels = tmp_path / "run", photographs / "labels.csv"
    command = ["train", labels, "--heads", "tags", *TCDCN, *SHORT, "--out", out, "--rest", "train"]
    assert main([str(word) for word in command]) == 0
    assert read_run_file(out / "run.yaml").settings()["train_rows"] == 22
    assert "no column 'fold' of parts" in refusal(capsys, *command, "--overwrite", "--split-column", "fold")
    assert "Expected no --rest" in refusal(capsys, *command, "--overwrite", "--split-column", "none")


def test_packed_sets_and_folders_keep_their_parts(photographs, run, tmp_path, capsys):
    packed = tmp_path / "packed"
    assert main(["pack", str(photographs / "labels.csv"), str(packed)]) == 0
    assert "column 'split' says the parts" in capsys.readouterr().err
    assert main(["evaluate", str(run / "model.h5"), str(packed), "--format", "packed", "--part", "test"]) == 0
    size = next(line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("size"))
    assert " 9 " in size


def test_an_order_that_nobody_told_is_asked_for(photographs, tmp_path, capsys):
    line = refusal(capsys, "train", photographs / "labels.csv", "--heads", "size=ordinal", "--out", tmp_path / "run")
    assert "head 'size': the order of its 3 levels cannot be told, as 'L' is no number and no range" in line
    assert "--heads size=ordinal:LOWEST,...,HIGHEST; found: 'L', 'M', 'S'" in line
