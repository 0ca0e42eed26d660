"""What commands write, and what they leave alone."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.cli import runs
from mtlzoo.cli.main import main

NETWORK = ["--backbone", "tcdcn", "--weights", "none", "--option", "batch_normalization=false"]
NETWORK += ["--valid", "0.25", "--test", "0.25", "--stages", "all:1:1e-3"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model, images of which one has the name of a formula, as a table and sorted into folders."""
    import keras

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for place in ("photos", "sorted/=1+1", "sorted/plain"):
        Path(place).mkdir(parents=True)
        for number in range(8):
            cv2.imwrite(f"{place}/{number}.png", rng.integers(0, 256, (20, 20, 3), np.uint8))
    Path("photos/0.png").rename("photos/=0.png")
    names = ["=0.png", *(f"{number}.png" for number in range(1, 8))]
    frame = pd.DataFrame({"image": [f"photos/{name}" for name in names], "-color": ["=1+1", "plain"] * 4})
    frame.to_csv("t.csv", index=False)
    inputs = keras.Input((16, 16, 3))
    heads = {"-color": mtl.ClassificationHead(["=1+1", "plain"])}
    mtl.export(mtl.build(keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs)), heads), "m.h5")
    inputs = keras.Input((16, 16, 3))
    mtl.export(mtl.build(keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs)), {"color": 2}), "color.h5")
    Path("other").mkdir()
    Path("other/report.csv").write_text("mine")
    return tmp_path


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def refused(capsys, *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == 2, arguments
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith(("Note: ", "Checked"))]
    assert line.startswith("mtlzoo: error: "), line
    return line


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]], ids=["kept", "overwrite"])
def test_nothing_of_the_users_is_lost(folder, capsys, overwrite):
    Path("link").symlink_to("photos")
    Path("link.h5").symlink_to("m.h5")
    Path("links").mkdir()
    Path("links/a.png").symlink_to("../photos/1.png")
    before = digests(folder)
    for command in [
        ["predict", "m.h5", "photos/1.png", "--out", "photos"],
        ["predict", "m.h5", "photos/1.png", "--out", "photos/1.png"],
        ["predict", "m.h5", "photos/1.png", "--out", "photos/../link/1.png"],
        ["predict", "m.h5", "photos/*.png", "--out", "photos/1.png"],
        ["predict", "m.h5", "links", "--out", "photos/1.png"],
        ["predict", "m.h5", "links/*", "--out", "photos/1.png"],
        ["predict", "m.h5", "photos/1.png", "--out", "m.h5"],
        ["predict", "link.h5", "photos/1.png", "--out", "m.h5"],
        ["predict", "m.h5", "photos/1.png", "--out", "link.h5"],
        ["export", "m.h5", "photos", "--format", "savedmodel"],
        ["export", "m.h5", "photos", "--format", "web", "--runtime", "cdn"],
        ["export", "m.h5", "m.h5"],
        ["export", "m.h5", "link"],
        ["export", "m.h5", "."],
        ["export", "m.h5", ".."],
        ["pack", "t.csv", "photos"],
        ["pack", "t.csv", "t.csv"],
        ["pack", "sorted", "sorted", "--format", "folders"],
        ["pack", "sorted", "sorted/packed", "--format", "folders"],
        ["pack", "sorted", ".", "--format", "folders"],
        ["evaluate", "m.h5", "t.csv", "--out", "photos"],
        ["evaluate", "m.h5", "t.csv", "--out", "."],
        ["evaluate", "m.h5", "t.csv", "--out", "t.csv"],
        ["evaluate", "m.h5", "sorted", "--format", "folders", "--out", "sorted/report"],
        ["train", "t.csv", *NETWORK, "--out", "photos"],
        ["train", "t.csv", *NETWORK, "--out", "."],
        ["train", "t.csv", *NETWORK, "--out", "m.h5"],
        ["train", "sorted", "--format", "folders", *NETWORK, "--out", "sorted"],
        ["train", "sorted", "--format", "folders", *NETWORK, "--out", "sorted/run"],
        ["train", "sorted", "--format", "folders", *NETWORK, "--out", "run", "--cache", "sorted/cache"],
        ["train", "sorted", "--format", "folders", *NETWORK, "--out", "run", "--feature-cache", "sorted"],
        ["make-data", "shapes", "t.csv"],
    ]:
        refused(capsys, *command, *overwrite)
        assert digests(folder) == before, command
    for command in [
        ["evaluate", "m.h5", "t.csv", "--out", "other"],
        ["train", "t.csv", *NETWORK, "--out", "other"],
        ["train", "t.csv", *NETWORK, "--out", "other", "--resume"],
        ["make-data", "shapes", "other", "--images", "1"],
        ["demo", "--out", "other", "--images", "80"],
    ]:
        if not overwrite:
            assert "--overwrite" in refused(capsys, *command)
            assert digests(folder) == before, command


@pytest.mark.usefixtures("eagerly")
def test_what_was_asked_for_is_replaced_and_nothing_else(folder, capsys):
    predict = ["predict", "m.h5", "photos/1.png", "--out", "photos/predictions.csv"]
    assert main(predict) == 0
    assert "--overwrite" in refused(capsys, *predict)
    assert main([*predict, "--overwrite"]) == 0
    for out in ("copy.keras", "saved", "page"):
        export = ["export", "color.h5", out, *(["--format", "web", "--runtime", "cdn"] if out == "page" else [])]
        assert main(export) == 0
        assert "--overwrite" in refused(capsys, *export)
        assert main([*export, "--overwrite"]) == 0
    Path("saved/variables/mine.txt").write_text("mine")
    assert "variables/mine.txt" in refused(capsys, "export", "color.h5", "saved", "--overwrite")
    assert "not a SavedModel" in refused(capsys, "export", "color.h5", "page", "--format", "savedmodel", "--overwrite")
    assert main(["pack", "t.csv", "packed"]) == 0
    assert main(["pack", "t.csv", "packed", "--overwrite", "--shards", "2"]) == 0
    assert len(os.listdir("packed")) == 4
    assert "not a packed table" in refused(capsys, "pack", "t.csv", "saved", "--overwrite")
    evaluate = ["evaluate", "m.h5", "t.csv", "--out", "report", "--by=-color"]
    assert main(evaluate) == 0
    Path("report/mine.txt").write_text("mine")
    assert "--overwrite" in refused(capsys, *evaluate)
    assert main([*evaluate, "--overwrite"]) == 0
    assert Path("report/mine.txt").read_text() == "mine"
    assert {path.name for path in Path().glob(".mtlzoo*")} == set()


def test_a_drawn_set_is_drawn_anew_and_a_real_one_stays(folder, capsys):
    assert main(["make-data", "shapes", "drawn", "--images", "2"]) == 0
    Path("drawn/mine.txt").write_text("mine")
    assert "--overwrite" in refused(capsys, "make-data", "shapes", "drawn", "--images", "2")
    assert main(["make-data", "shapes", "drawn", "--images", "1", "--overwrite"]) == 0
    assert len(list(Path("drawn/images").glob("train*"))) == 1
    Path("drawn/images/mine.png").write_bytes(b"mine")
    before = digests(folder)
    assert "images/mine.png" in refused(capsys, "make-data", "shapes", "drawn", "--images", "1", "--overwrite")
    Path("images").mkdir()
    Path("real/Images/coat_length_labels").mkdir(parents=True)
    Path("real/Images/coat_length_labels/a.jpg").write_bytes(b"mine")
    before = digests(folder)
    assert "has not drawn" in refused(capsys, "make-data", "fashion", "real", "--images", "1", "--overwrite")
    Path("linked").mkdir()
    Path("linked/images").symlink_to(folder / "photos")
    assert "has not drawn" in refused(capsys, "make-data", "shapes", "linked", "--images", "1", "--overwrite")
    assert digests(folder).items() >= before.items()


def test_a_list_of_drawn_files_leads_nowhere_else(folder, capsys):
    Path("drawn").mkdir()
    heading = "Files that mtlzoo drew; it replaces these and no others."
    Path("drawn/.mtlzoo-drawn.txt").write_text(f"{heading}\n../photos/1.png\n/{folder}/t.csv\nmine.txt\n")
    Path("drawn/mine.txt").write_text("mine")
    before = digests(folder)
    assert main(["make-data", "shapes", "drawn", "--images", "1", "--overwrite"]) == 0
    del before["drawn/.mtlzoo-drawn.txt"]
    assert digests(folder).items() >= before.items()


@pytest.mark.usefixtures("eagerly")
def test_a_training_that_goes_on_replaces_its_own_files(folder, capsys):
    train = ["train", "t.csv", *NETWORK, "--out", "run"]
    assert main([*train, "--resume"]) == 0
    assert main([*train, "--resume"]) == 0
    assert "--overwrite" in refused(capsys, *train)
    text = Path("run/report.csv").read_text()
    assert "\n'-color," in text
    assert "'-color" in Path("run/answers.csv").read_text().splitlines()[0]
    assert "'-color_" in Path("run/history.csv").read_text().splitlines()[0]
    assert main([*train, "--overwrite", "--raw-cells"]) == 0
    assert "\n-color," in Path("run/report.csv").read_text()


def test_formulas_are_texts_in_csv_files(folder):
    images = [f"photos/{name}" for name in sorted(os.listdir("photos"))]
    os.chdir("photos")
    names = [image.removeprefix("photos/") for image in images]
    assert main(["predict", "../m.h5", *names, "--out", "../a.csv"]) == 0
    assert main(["predict", "../m.h5", *names, "--out", "../raw.csv", "--raw-cells"]) == 0
    os.chdir(folder)
    safe, raw = (pd.read_csv(name, dtype=str) for name in ("a.csv", "raw.csv"))
    assert list(raw["image"]) == names
    assert list(safe["image"]) == [f"'{name}" if name.startswith("=") else name for name in names]
    assert list(safe) == ["image", "'-color", "'-color_probability"]
    assert set(safe["'-color"]) <= {"'=1+1", "plain"}
    assert list(safe["'-color_probability"]) == list(raw["-color_probability"])


def test_numbers_stay_numbers(tmp_path):
    cells = ["=A1", "+1+1", "-1.5", "+2e3", "-.5", "-x", "@x", "\tx", "\rx", "\uff1dA1", "a\r=b", "", None, "- 1", "-"]
    frame = pd.DataFrame({"text": cells, "number": np.linspace(-1.5, 1, len(cells))})
    frame["kind"] = pd.Categorical(cells)
    frame["list"] = [[-1, 2]] * len(cells)
    runs.write_csv(tmp_path / "a.csv", frame)
    found = pd.read_csv(tmp_path / "a.csv", dtype={"text": str, "number": str}, keep_default_na=False)
    expected = ["'=A1", "'+1+1", "-1.5", "+2e3", "-.5", "'-x", "'@x", "'\tx", "'\nx", "'\uff1dA1"]
    expected += ["a\n=b", "", "", "'- 1", "'-"]
    assert list(found["text"]) == list(found["kind"]) == expected
    # Read by Python: pandas before 3 reads the last digit otherwise than it writes it.
    assert list(map(float, found["number"])) == list(frame["number"])
    assert list(found["list"]) == ["[-1, 2]"] * len(cells)
    assert list(frame["text"])[:4] == cells[:4]  # which stays as it was
    runs.write_csv(tmp_path / "b.csv", frame, raw_cells=True)
    assert list(pd.read_csv(tmp_path / "b.csv", keep_default_na=False)["text"])[:2] == ["=A1", "+1+1"]
    index = pd.MultiIndex.from_tuples([("=x", "-1"), ("y", "@z")], names=["=head", "group"])
    runs.write_csv(tmp_path / "c.csv", pd.DataFrame({"=n": [1, 2]}, index=index), index=True)
    assert (tmp_path / "c.csv").read_text() == "'=head,group,'=n\n'=x,-1,1\ny,'@z,2\n"


@pytest.mark.usefixtures("eagerly")
def test_a_training_that_cannot_go_on_leaves_its_folder_as_it_was(folder, capsys):
    train = ["train", "t.csv", *NETWORK, "--out", "run"]
    assert main([*train, "--resume"]) == 0
    Path("foreign").mkdir()
    Path("foreign/training-state.npz").write_text("mine")
    Path("foreign/run.yaml").write_text("mine")
    Path("foreign/model.png").write_text("mine")
    before = digests(folder)
    assert "`seed` was 0, received: 1." in refused(capsys, *train, "--resume", "--seed", "1")
    assert "`batch_size` was 32, received: 2." in refused(capsys, *train, "--resume", "--batch-size", "2")
    assert "not the state of a training" in refused(capsys, *train[:-1], "foreign", "--resume")
    assert digests(folder) == before
    cv2.imwrite("photos/3.png", np.zeros((20, 20, 3), np.uint8))
    before = digests(folder)
    assert "photos/3.png" in refused(capsys, *train, "--resume")
    assert digests(folder) == before
