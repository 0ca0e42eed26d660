"""Predictions for many images: every row once, whatever happens, and the same rows as in one frame."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import slow_predictions

import mtlzoo as mtl
from mtlzoo.datasets.cells.reader import PACKED
from mtlzoo.errors import InputError, OutputError, TableError
from mtlzoo.evaluation.listing import list_files
from mtlzoo.serving.many import predicting
from mtlzoo.serving.many.inputs import list_rows

IMAGES = 22


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many") / "img"
    for below in ("", "b", "b.d", ".hidden", "b/c"):
        (folder / below).mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(IMAGES):
        place = folder / ["", "b", "b.d", "b/c"][number % 4] / f"{number:02}.png"
        cv2.imwrite(str(place), np.full((9 + number, 12, 3), rng.integers(0, 256, 3), "uint8"))
    (folder / ".hidden" / "no.png").touch()
    (folder / "b" / "empty.jpg").touch()
    (folder / "=1+1.jpg").write_text("no image")
    return folder


@pytest.fixture(scope="module")
def model():
    return slow_predictions.predictor(Path(slow_predictions.__file__))


@pytest.fixture(scope="module")
def expected(model, folder):
    return model([file for file in list_files([folder]) if file.endswith(".png")], probabilities=True)


def files(out):
    return {path.name: path.read_bytes() for path in out.iterdir() if not path.name.startswith(".mtlzoo")}


def read(out, format):
    found = sorted(out.glob("predictions-*"))
    if format == "jsonl":
        return pd.DataFrame([json.loads(line) for path in found for line in path.read_text().splitlines()])
    return pd.concat([pd.read_csv(path) for path in found], ignore_index=True)


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_it_says_what_one_frame_says(model, folder, expected, tmp_path, format):
    done = mtl.predict_files(model, folder, tmp_path / "out", format, rows_per_file=5, batch_size=2, probabilities=True)
    assert (done.images, done.predicted, done.unreadable, done.missing_files) == (IMAGES + 2, IMAGES, 2, 0)
    frame = read(tmp_path / "out", format)
    assert list(frame) == [str(name) for name in expected]
    assert list(frame["image"]) == list(expected["image"])
    for name in expected:
        if name == "points":
            told = [json.loads(cell) if format == "csv" else cell for cell in frame[name]]
            np.testing.assert_allclose(told, list(expected[name]))
        elif pd.api.types.is_numeric_dtype(expected[name].dtype):
            np.testing.assert_allclose(frame[str(name)].astype(float), expected[name], rtol=1e-6)
        else:
            assert list(frame[str(name)]) == list(expected[name])
    assert expected["price"].isna().any()
    unreadable = pd.concat(map(pd.read_csv, sorted((tmp_path / "out").glob("_unreadable-*"))))
    assert [Path(image).name for image in unreadable["image"]] == ["=1+1.jpg", "empty.jpg"]
    assert list(unreadable["reason"].str[:12]) == ["not an image", "empty file"]


def test_parquet_has_one_schema_in_all_files(model, folder, expected, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    mtl.predict_files(model, folder, tmp_path / "out", "parquet", rows_per_file=1, probabilities=True)
    found = sorted((tmp_path / "out").glob("*.parquet"))
    schemas = {str(parquet.read_schema(path)) for path in found}
    assert len(found) == IMAGES + 2
    assert len(schemas) == 1
    frame = pd.read_parquet(tmp_path / "out")
    assert list(frame["image"]) == list(expected["image"])
    np.testing.assert_array_equal(frame["price"], expected["price"])
    assert list(map(json.loads, frame["points"])) == list(expected["points"])


def test_a_killed_process_is_gone_on_with(folder, tmp_path):
    random.seed(0)
    command = [sys.executable, slow_predictions.__file__, str(folder)]
    subprocess.run([*command, str(tmp_path / "whole"), "jsonl", "0"], check=True)
    for _ in range(2):  # scripts/many_images.py does so as often as one likes
        killed = [*command, str(tmp_path / "killed"), "jsonl", "0.05"]
        with subprocess.Popen(killed, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(random.uniform(0.05, 0.4))
            process.kill()
    subprocess.run([*command, str(tmp_path / "killed"), "jsonl", "0"], check=True)
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


def test_a_process_that_was_killed_at_once_is_gone_on_with(model, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(predicting.manifest, "read", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mtl.predict_files(model, folder, tmp_path / "out")
    monkeypatch.undo()
    leftover = tmp_path / "out" / ".mtlzoo-00000000-1-abcdefgh"  # of another machine, which may be writing there
    leftover.mkdir()
    assert mtl.predict_files(model, folder, tmp_path / "out").predicted == IMAGES
    assert leftover.is_dir()


def test_a_full_disk_leaves_no_half_of_a_file(model, folder, tmp_path, monkeypatch):
    def full(self, frame, before=predicting.FORMATS["jsonl"].write):
        before(self, frame)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(predicting.FORMATS["jsonl"], "write", full)
    with pytest.raises(OSError, match="no space is left"):
        mtl.predict_files(model, folder, tmp_path / "out")
    assert list(files(tmp_path / "out")) == ["_manifest.json"]


def test_shards_make_the_files_of_one_process(model, folder, tmp_path):
    mtl.predict_files(model, folder, tmp_path / "one", rows_per_file=5)
    for shard in ("3/3", (1, 3), "2/3"):
        done = mtl.predict_files(model, folder, tmp_path / "three", rows_per_file=5, shard=shard)
    assert done.missing_files == 0
    assert files(tmp_path / "three") == files(tmp_path / "one")
    again = mtl.predict_files(model, folder, tmp_path / "three", rows_per_file=5)
    assert (again.predicted, again.earlier) == (0, IMAGES + 2)
    for shard in ("0/3", "4/3", "2", (1,), "a/b"):
        with pytest.raises(ValueError, match="Expected a shard such as 2/8"):
            mtl.predict_files(model, folder, tmp_path / "three", shard=shard)


def test_what_was_begun_with_something_else_is_left(model, folder, tmp_path):
    out = tmp_path / "out"
    mtl.predict_files(model, folder, out, rows_per_file=5)
    before = files(out)
    other = slow_predictions.predictor(Path(__file__))
    for changed, images, settings, message in (
        (other, folder, {}, "another model,"),
        (model, folder / "b", {}, r"another list of images \(24 of them; now 12\)"),
        (model, folder, {"rows_per_file": 6}, r"rows_per_file=5 \(now 6\)"),
        (model, folder, {"format": "csv"}, r"format='jsonl' \(now 'csv'\)"),
        (model, folder, {"probabilities": True}, r"probabilities=False \(now True\)"),
    ):
        with pytest.raises(OutputError, match=f"was begun with {message}"):
            mtl.predict_files(changed, images, out, **{"rows_per_file": 5, **settings})
    assert files(out) == before
    mtl.predict_files(other, folder, out, "csv", overwrite=True)
    assert {Path(name).suffix for name in files(out)} == {".csv", ".json"}
    (out / "mine.txt").touch()
    with pytest.raises(OutputError, match=r"holds mine\.txt"):
        mtl.predict_files(other, folder, out, "csv", overwrite=True)


def test_nothing_is_written_among_the_images(model, folder):
    with pytest.raises(OutputError, match="inside the input"):
        mtl.predict_files(model, folder, folder / "out")
    with pytest.raises(OutputError, match=r"holds .*, which is no part of predictions"):
        mtl.predict_files(model, [str(folder / "b")], folder)


def names(images):
    return [row.image for row in list_rows(images)]


def test_images_come_in_the_order_of_predict(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    for given in (str(folder), "./", ".", "b/../b", "*.png", "**/*.png", "b/01.png"):
        assert names(given) == list_files([given]), given
    assert names([Path("b"), "00.png"]) == list_files(["b", "00.png"])
    assert names(io.BytesIO(b"\xef\xbb\xbfa b.png\r\n\nnot-\xff.png\n")) == ["a b.png", "not-\udcff.png"]
    assert names(io.StringIO("a.png\nb.png")) == ["a.png", "b.png"]
    table = tmp_path / "t.csv"
    table.write_text('note;image\n"a;b";x/1.png\n;\n2;x/2.png\n')
    assert list(list_rows(table)) == [(name, str(tmp_path / name), None) for name in ("x/1.png", "x/2.png")]
    table.write_text("image,head,label\na.png,kind,1\nb.png,kind,2\na.png,other,1\n")
    assert names(table) == ["a.png", "b.png"]
    regions = mtl.data.LabelTable(pd.DataFrame({"image": ["a.png"], "region": [(0, 0, 3, 4)]}), {}, root="r")
    assert list(list_rows(regions)) == [("a.png", "r/a.png", (0, 0, 3, 4))]
    for given, error, message in (
        ("no*.png", InputError, "fit the pattern"),
        ("https://example.org/a.png", InputError, "is an address"),
        (3, InputError, "received: int"),
        (str(tmp_path), InputError, "images in the folder"),
    ):
        with pytest.raises(error, match=message):
            names(given)
    table.write_text("file\na.png\n")
    with pytest.raises(TableError, match="no column 'image'"):
        names(table)


def test_a_packed_set_is_read_record_by_record(model, tmp_path):
    table = mtl.data.read_packed(PACKED)
    assert [row.path for row in list_rows(PACKED)] == table.paths()
    few = table.take([0, len(table) - 1])
    mtl.predict_files(model, few, tmp_path / "out", probabilities=True)
    assert list(read(tmp_path / "out", "jsonl")["colors:red"]) == pytest.approx(
        model(few, probabilities=True)["colors:red"]
    )
