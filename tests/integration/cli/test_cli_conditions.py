"""`--only-if`: heads that are asked only where other heads have certain labels, on the command line."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.cli.conditions import ask_only_if
from mtlzoo.cli.main import main
from mtlzoo.errors import HeadError, InputError

pytestmark = pytest.mark.usefixtures("eagerly")
TCDCN = ["--backbone", "tcdcn", "--option", "batch_normalization=false", "--image-size", "32", "--augment", "none"]


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """Sixty images of pears and milk, of which milk has a brand."""
    folder, rows = tmp_path_factory.mktemp("goods"), []
    for row in range(60):
        cv2.imwrite(str(folder / f"{row}.png"), np.full((32, 32, 3), (row % 2 * 200, 0, row * 4), np.uint8))
        rows.append((f"{row}.png", ["pear", "milk"][row % 2], [None, "A, B", None, "C"][row % 4]))
    pd.DataFrame(rows, columns=["image", "kind", "brand"]).to_csv(folder / "labels.csv", index=False)
    return folder / "labels.csv"


def test_a_run_with_conditions_predicts_without_contradictions(labels, tmp_path, capsys):
    out = tmp_path / "run"
    stages = ["--stages", "all:2:1e-2", "--batch-size", "8"]
    assert main(["train", str(labels), "--only-if", "found", *TCDCN, *stages, "--out", str(out)]) == 0
    assert "labelled only where" not in capsys.readouterr().out  # taken up, not proposed
    assert mtl.load_model(out / "model.h5").heads["brand"].only_if == {"kind": ["milk"]}
    answers = pd.read_csv(out / "answers.csv")
    assert ((answers["kind:answer"] == "pear") == (answers["brand:answer"] == "not applicable")).all()
    assert "not_applicable_f1" in pd.read_csv(out / "report.csv").columns


def test_conditions_are_read(labels):
    table = mtl.data.read_csv(labels)
    assert ask_only_if(table, None) is table
    assert ask_only_if(table, ["brand:kind=milk,pear"]).heads["brand"].only_if == {"kind": ["milk", "pear"]}
    assert ask_only_if(table, ["brand:kind=milk", "brand:kind=pear"]).heads["brand"].only_if == {
        "kind": ["milk", "pear"]
    }
    assert ask_only_if(table, ['kind:brand="A, B", C']).heads["kind"].only_if == {"brand": ["A, B", "C"]}


@pytest.mark.parametrize("text", ["brand", "brand:kind", "brand:kind=", "price:kind=milk", "brand=milk"])
def test_what_is_no_condition_is_refused(labels, text):
    with pytest.raises(
        InputError, match="Expected --only-if HEAD:PARENT=CLASS,CLASS or found, with heads among kind, brand"
    ):
        ask_only_if(mtl.data.read_csv(labels), [text])


def test_wrong_classes_are_refused_before_images_are_read(labels, tmp_path, capsys):
    assert main(["train", str(labels), "--only-if", "brand:kind=mlik", "--out", str(tmp_path / "run")]) == 2
    assert "did you mean 'milk'?" in capsys.readouterr().err
    with pytest.raises(InputError, match="Expected --only-if found alone"):
        ask_only_if(mtl.data.read_csv(labels), ["found", "brand:kind=milk"])
    with pytest.raises(HeadError, match="brand -> brand"):
        ask_only_if(mtl.data.read_csv(labels), ["brand:brand=C"])
