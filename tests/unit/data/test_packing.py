"""Packed tables: the same rows and batches from a few large files, which `tf.data` reads too."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mtlzoo.data import (
    ImageCache,
    LabelTable,
    TableError,
    check_images,
    image_dataset,
    load_image,
    pack,
    read_packed,
    same_content,
    split,
    split_by_content,
)
from mtlzoo.heads import BinaryHead, BoxHead, ClassificationHead, MultiLabelHead, RegressionHead
from mtlzoo.images.records import Record, find_record
from mtlzoo.system.pipeline_errors import plain_errors

ROWS, SIZE = 17, (20, 16)


@pytest.fixture
def table(tmp_path) -> LabelTable:
    """Images with labels of many kinds, of which some are missing; rows 3 and 16 are copies."""
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for row in range(ROWS):
        coarse = rng.integers(0, 256, (5, 4, 3), np.uint8)
        image = cv2.resize(coarse, (60 + row, 50), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{row}.{'jpg' if row % 2 else 'png'}"), image)
    names = [f"{row}.{'jpg' if row % 2 else 'png'}" for row in range(ROWS)]
    (folder / names[16]).write_bytes((folder / names[3]).read_bytes())
    frame = pd.DataFrame(
        {
            "image": names,
            "kind": pd.Categorical((["a", "b", None, "c"] * 5)[:ROWS], categories=["c", "b", "a", "unused"]),
            "kids": (["yes", "no", None] * 6)[:ROWS],
            "age": [float(row) / 3 if row % 4 else None for row in range(ROWS)],
            "soft": [[0.25, 0.75] if row % 2 else "one" for row in range(ROWS)],
            "tags": pd.Series([["a"], [], None, ["a", "b"]] * 4 + [["b"]], dtype=object),
            "box": [(1.0 + row, 2.0, 40.0, 30.5) if row % 5 else None for row in range(ROWS)],
            "sender": np.arange(ROWS) // 3,
            "region": [(0.0, 1.5, 44.0, 40.0)] * ROWS,
        }
    )
    heads = {
        "kind": ClassificationHead(["a", "b", "c"], hidden=[4]),
        "kids": BinaryHead(),
        "age": RegressionHead(),
        "soft": ClassificationHead(["zero", "one"]),
        "tags": MultiLabelHead(["a", "b"]),
        "box": BoxHead(format="xyxy"),
    }
    return LabelTable(frame, heads, root=folder, source="labels.csv", first_line=2)


def batches(table: LabelTable, **options) -> list:
    dataset = image_dataset(table, SIZE, 4, **options)
    return [tf.nest.map_structure(lambda tensor: tensor.numpy(), batch) for _ in range(2) for batch in dataset]


def test_the_same_table_gives_the_same_bytes(table, tmp_path):
    records = tf.data.TFRecordDataset(str(pack(table, tmp_path / "packed") / "part-00000-of-00001.tfrecord"))
    for record in records.as_numpy_iterator():  # of which the order of columns is no matter of chance
        assert record == tf.train.Example.FromString(record).SerializeToString(deterministic=True)


def shards(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.glob("*.tfrecord"))


# === The same table ===


@pytest.mark.parametrize("number", [None, 1, 3, ROWS])
def test_the_table_comes_back(table, tmp_path, number):
    folder = pack(table, tmp_path / "packed", number)
    again = read_packed(folder)
    assert len(shards(folder)) == (number or 1)
    assert again.heads == table.heads
    assert again.frame["image"].tolist() == table.frame["image"].tolist()
    assert again.frame["sender"].tolist() == table.frame["sender"].tolist()
    for name, targets in table.labels().items():
        np.testing.assert_array_equal(again.labels()[name], targets)
        assert again.labels()[name].dtype == targets.dtype
    np.testing.assert_array_equal(same_content(again.paths()), same_content(table.paths()))
    assert check_images(again.paths()) == {}
    for path, other in zip(again.paths(), table.paths()):
        np.testing.assert_array_equal(load_image(path, SIZE), load_image(other, SIZE))


@pytest.mark.slow
def test_batches_are_the_same(table, tmp_path):
    again = read_packed(pack(table, tmp_path / "packed", 3))
    options = {"augment": "strong", "shuffle": True, "seed": 5}
    expected = batches(table, **options)
    tf.nest.map_structure(np.testing.assert_array_equal, batches(again, **options), expected)
    cache = ImageCache()
    tf.nest.map_structure(np.testing.assert_array_equal, batches(again, cache=cache, **options), expected)
    assert cache.used > 0


def test_splits_are_the_same(table, tmp_path):
    again = read_packed(pack(table, tmp_path / "packed", 2))
    for part, other in zip(split(again, [0.6, 0.4], group="sender"), split(table, [0.6, 0.4], group="sender")):
        assert part.frame["image"].tolist() == other.frame["image"].tolist()
    for part, other in zip(split_by_content(again, [0.5, 0.5]), split_by_content(table, [0.5, 0.5])):
        assert part.frame["image"].tolist() == other.frame["image"].tolist()
    some = pack(again.take([5, 2]), tmp_path / "some")  # a packed table may be packed again
    assert read_packed(some).frame["image"].tolist() == ["5.jpg", "2.png"]


# === TFRecord ===


def test_tf_data_reads_the_files(table, tmp_path):
    folder = pack(table, tmp_path / "packed", 2)
    spec = {
        "image/encoded": tf.io.FixedLenFeature((), tf.string),
        "image": tf.io.FixedLenFeature((), tf.string),
        "kind": tf.io.FixedLenFeature((), tf.string, ""),
        "age": tf.io.FixedLenFeature((), tf.float32, float("nan")),
        "soft": tf.io.FixedLenFeature((), tf.string),
        "sender": tf.io.FixedLenFeature((), tf.float32),
    }
    dataset = tf.data.TFRecordDataset(shards(folder)).map(lambda data: tf.io.parse_single_example(data, spec))
    examples = list(dataset.as_numpy_iterator())
    assert len(examples) == ROWS
    for row, example in enumerate(examples):
        cells = table.frame.iloc[row]
        assert example["image/encoded"] == Path(table.paths()[row]).read_bytes()
        assert example["image"].decode() == cells["image"]
        assert example["kind"].decode() == ("" if pd.isna(cells["kind"]) else cells["kind"])
        np.testing.assert_array_equal(example["age"], np.float32(cells["age"]))
        assert example["soft"].decode() == ("[0.25, 0.75]" if row % 2 else "one")
        assert example["sender"] == cells["sender"]
    description = json.loads((folder / "packed.json").read_text())
    assert description["rows"] == ROWS
    assert description["columns"]["kind"] == {"feature": "bytes", "values": ["a", "b", "c"]}
    assert description["columns"]["age"]["feature"] == "float"


# === Errors ===


def test_damage_is_named_with_its_row(table, tmp_path):
    folder = pack(table, tmp_path / "packed")
    again = read_packed(folder)
    record = find_record(again.paths()[6])
    content = bytearray(Path(record.file).read_bytes())
    content[record.offset + 30] ^= 1
    Path(record.file).write_bytes(content)
    assert check_images(again.paths()) == {6: "damaged record (its checksum is wrong)"}
    with pytest.raises(TableError, match=r"packed, 6\.png: damaged record"), plain_errors():
        batches(again)
    Path(record.file).write_bytes(content[:-1])
    with pytest.raises(TableError, match=rf"to have {len(content)} bytes, received: {len(content) - 1}; copy it again"):
        read_packed(folder)
    Path(record.file).unlink()
    with pytest.raises(TableError, match="received: no such file"):
        read_packed(folder)
    assert check_images(again.paths())[0] == "file not found"


def test_folders_that_are_none(table, tmp_path):
    with pytest.raises(FileNotFoundError, match="No such folder"):
        read_packed(tmp_path / "nowhere")
    with pytest.raises(TableError, match="not a folder that `mtlzoo pack` wrote"):
        read_packed(table.root)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"^Expected a folder, received a file: "):
        read_packed(tmp_path / "file")
    folder = pack(table, tmp_path / "packed")
    (folder / "index.npz").write_bytes(b"PK nothing")
    with pytest.raises(TableError, match="not a folder that `mtlzoo pack` wrote"):
        read_packed(folder)
    pack(table, folder, overwrite=True)
    text = (folder / "packed.json").read_text()
    (folder / "packed.json").write_text(text.replace('"version": 1', '"version": 9'))
    with pytest.raises(TableError, match="expected version 1 of packed tables, received: 9"):
        read_packed(folder)


@pytest.mark.parametrize("value", [None, -1, "x" * 10**6, [], {"a": {"b": 1}}, True], ids=str)
def test_descriptions_that_are_none(table, tmp_path, value):
    folder = pack(table, tmp_path / "packed")
    whole = json.loads((folder / "packed.json").read_text())
    head = next(iter(whole["heads"]))
    (folder / "packed.json").write_text(json.dumps({**whole, "columns": value}))
    with pytest.raises(TableError) as caught:
        read_packed(folder)
    assert len(str(caught.value)) < 800
    places = [["version"], ["files"], ["columns"], ["columns", "image"], ["columns", "image", "values"], ["heads"]]
    for *above, last in [*places, ["heads", head], ["heads", head, "kind"], ["heads", head, "config"]]:
        for remove in (False, True):
            changed = part = json.loads(json.dumps(whole))
            for name in above:
                part = part[name]
            part[last] = value
            if remove:
                del part[last]
            (folder / "packed.json").write_text(json.dumps(changed))
            with contextlib.suppress(TableError):  # some can be done without, and True is 1
                read_packed(folder)


def test_no_file_outside_of_the_folder_is_read(table, tmp_path):
    folder = pack(table, tmp_path / "packed")
    description = json.loads((folder / "packed.json").read_text())
    (tmp_path / "secret").write_bytes(b"secret")
    description["files"] = {"../secret": 6}
    (folder / "packed.json").write_text(json.dumps(description))
    with pytest.raises(TableError, match="expected files called part-"):
        read_packed(folder)


def test_pipes_are_not_waited_for(table, tmp_path):
    folder = pack(table, tmp_path / "packed")
    for name in ("index.npz", "packed.json"):
        (folder / name).unlink()
        os.mkfifo(folder / name)
        with pytest.raises(TableError, match="a pipe, not a file"):
            read_packed(folder)


def test_what_is_refused_leaves_nothing(table, tmp_path):
    folder = tmp_path / "packed"
    for number in (0, ROWS + 1):
        with pytest.raises(ValueError, match=rf"Expected 1 to 17 files for 17 rows, received: {number}"):
            pack(table, folder, number)
    with pytest.raises(TableError, match="no rows to pack"):
        pack(table.take([]), folder)
    Path(table.paths()[4]).unlink()
    with pytest.raises(TableError, match=r"labels.csv, line 6 \(4.png\): file not found"):
        pack(table, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
    with pytest.raises(FileExistsError, match="is left as it is"):
        pack(table, table.root)


def test_addresses():
    record = Record("a b#c/part-00000-of-00001.tfrecord", 12, 345, 0xAB)
    assert str(record) == "a b#c/part-00000-of-00001.tfrecord#12+345-000000ab"
    assert find_record(str(record)) == record
    assert find_record("a.jpg") is find_record("x.tfrecord#1.jpg") is None


def test_progress_is_shown(table, tmp_path, capsys):
    pack(table, tmp_path / "packed", progress=True)
    assert capsys.readouterr().err == "Packed 17 of 17 rows\n"
