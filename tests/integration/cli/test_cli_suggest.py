"""`mtlzoo suggest`, and what comes back by `--corrections`."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.cli.main import main

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """Thirty images, of which a third have no kind; one of them begins like a formula."""
    folder, rows = tmp_path_factory.mktemp("goods"), []
    rng = np.random.default_rng(0)
    for row in range(30):
        name = "=1.png" if row == 2 else f"{row}.png"
        cv2.imwrite(str(folder / name), rng.integers(0, 255, (32, 32, 3), "uint8"))
        rows.append((name, ["pear", "milk", None][row % 3], ["yes", "no"][row % 2]))
    pd.DataFrame(rows, columns=["image", "kind", "fresh"]).to_csv(folder / "labels.csv", index=False)
    return folder / "labels.csv"


@pytest.fixture(scope="module")
def network(labels, tmp_path_factory):
    """An untrained model with the table's heads."""
    path = tmp_path_factory.mktemp("network") / "model.keras"
    mtl.export(mtl.build("tcdcn", mtl.data.read_csv(labels).heads, (32, 32, 3), batch_normalization=False), path)
    return path


def test_what_is_suggested_is_filled_in_and_read_back(labels, network, tmp_path, capsys):
    out, before = tmp_path / "suggestions.csv", labels.read_bytes()
    assert main(["suggest", str(network), str(labels), "--budget", "6", "--out", str(out)]) == 0
    assert "Wrote 6 cells" in capsys.readouterr().out
    assert main(["suggest", str(network), str(labels), "--budget", "10", "--out", str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["suggest", str(network), str(labels), "--budget", "10", "--overwrite", "--out", str(out)]) == 0
    frame = pd.read_csv(out)
    assert sorted(frame["row"]) == list(range(2, 30, 3))
    assert "'=1.png" in set(frame["image"])
    frame["label"] = ["pear"] * 4 + ["?"] * 2 + [None] * 4
    frame.to_csv(out, index=False)
    capsys.readouterr()
    packed = tmp_path / "packed"
    assert main(["pack", str(labels), str(packed), "--corrections", str(out)]) == 0
    assert "kind: 2 labels that nobody knows, left out" in capsys.readouterr().err
    assert mtl.data.read_packed(packed).labelled()["kind"].sum() == 24
    # What stands in the file is not asked for again.
    assert main(["suggest", str(network), str(labels), "--corrections", str(out)]) == 0
    assert capsys.readouterr().out == "No label is missing that could be asked for.\n"
    assert labels.read_bytes() == before


def test_labels_of_the_report_are_not_asked_for(labels, network, tmp_path, capsys):
    frame = pd.read_csv(labels)
    frame["split"] = np.where(frame.index < 20, "train", "test")
    frame.to_csv(labels.parent / "parted.csv", index=False)
    out = tmp_path / "suggestions.csv"
    assert main(["suggest", str(network), str(labels.parent / "parted.csv"), "--out", str(out)]) == 0
    assert sorted(pd.read_csv(out)["row"]) == list(range(2, 20, 3))
    assert "10 rows are left out that column 'split' does not give to training" in capsys.readouterr().err
    assert main(["suggest", str(network), str(labels.parent / "parted.csv"), "--part", "test"]) == 0
    assert "23.png" in capsys.readouterr().out


def test_corrections_count_in_reports(labels, network, tmp_path, capsys):
    filled = tmp_path / "filled.csv"
    filled.write_text("row;head;label\n2;kind;milk\n0;kind;(delete)\n3;kind;(delete)\n")
    for options, labelled in (([], 20), (["--corrections", str(filled)], 19)):
        assert main(["evaluate", str(network), str(labels), *options]) == 0
        assert f"kind: binary, {labelled} labelled" in capsys.readouterr().out


def test_wrong_corrections_are_refused_before_anything_is_trained(labels, tmp_path, capsys):
    filled = tmp_path / "filled.csv"
    filled.write_text("image,head,label\n5.png,kind,plum\n")
    assert main(["train", str(labels), "--corrections", str(filled), "--out", str(tmp_path / "run")]) == 2
    assert "filled.csv, line 2 (5.png): head 'kind': unknown label 'plum'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    missing = tmp_path / "missing.csv"
    assert main(["train", str(labels), "--corrections", str(missing), "--out", str(tmp_path / "run")]) == 2
    assert "missing.csv" in capsys.readouterr().err
