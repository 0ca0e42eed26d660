"""Images sorted into folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtlzoo.data import TableError, read_folders
from mtlzoo.heads import BinaryHead, ClassificationHead


def touch(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return folder


def test_two_levels_are_heads_and_labels(tmp_path):
    table = read_folders(
        touch(tmp_path, "size/short/b.jpg", "size/long/a.PNG", "size/mini/c.webp", "kids/no/d.jpeg", "kids/yes/e.tif")
    )
    assert table.heads == {"kids": BinaryHead(["no", "yes"]), "size": ClassificationHead(["long", "mini", "short"])}
    assert table.frame["image"].tolist() == [
        "kids/no/d.jpeg",
        "kids/yes/e.tif",
        "size/long/a.PNG",
        "size/mini/c.webp",
        "size/short/b.jpg",
    ]
    assert table.labels()["kids"].tolist() == [0, 1, -1, -1, -1]
    assert table.labels()["size"].tolist() == [-1, -1, 0, 1, 2]
    assert table.paths()[0] == str(tmp_path / "kids/no/d.jpeg")
    assert table.where(0) == f"{tmp_path}, kids/no/d.jpeg"


def test_one_level_is_the_head_label(tmp_path):
    table = read_folders(touch(tmp_path, "2/a.jpg", "10/b.jpg", "1/c.jpg", "10/d.jpg"))
    assert table.heads == {"label": ClassificationHead(["1", "2", "10"])}
    assert table.frame["image"].tolist() == ["1/c.jpg", "10/b.jpg", "10/d.jpg", "2/a.jpg"]
    assert table.labels()["label"].tolist() == [0, 2, 2, 1]


def test_heads_may_be_given(tmp_path):
    """Where a folder is to be judged, one label is enough, and the order of classes is the model's."""
    touch(tmp_path, "size/short/a.jpg", "kids/yes/b.jpg")
    table = read_folders(tmp_path, {"size": ClassificationHead(["short", "long"])})
    assert table.labels()["size"].tolist() == [-1, 0]
    assert list(table.frame) == ["image", "kids", "size"]
    assert read_folders(tmp_path, {}).heads == {}
    with pytest.raises(TableError, match="no column for the head 'color'; the columns are: image, kids, size"):
        read_folders(tmp_path, {"color": 3})


def test_what_is_no_image_is_left_alone(tmp_path):
    touch(tmp_path, "no/a.jpg", "yes/b.jpg", "notes.txt", "no/._a.jpg", ".cache/deep/in/c.jpg", "yes/Thumbs.db")
    (tmp_path / "no" / "folder.jpg").mkdir()
    assert read_folders(tmp_path).frame["image"].tolist() == ["no/a.jpg", "yes/b.jpg"]


@pytest.mark.parametrize(
    ("files", "received"),
    [
        ([], "no images"),
        (["a.jpg"], "a.jpg"),
        (["a/b/c/d.jpg"], "a/b/c/d.jpg"),
        (["no/a.jpg", "size/short/b.jpg", "size/long/c.jpg"], "no/a.jpg and size/long/c.jpg"),
    ],
)
def test_other_depths_are_refused_with_examples(tmp_path, files, received):
    with pytest.raises(TableError) as caught:
        read_folders(touch(tmp_path, *files))
    assert str(caught.value).endswith(f"at DIR/<head>/<label>/, or all at DIR/<label>/, received: {received}.")
    assert str(caught.value).startswith(str(tmp_path))


def test_heads_that_cannot_be(tmp_path):
    touch(tmp_path, "kids/no/a.jpg", "kids/yes/b.jpg", "size/short/c.jpg", "size/short/d.jpg")
    with pytest.raises(TableError, match="head 'size': one label only, 'short', in 2 rows: nothing to learn"):
        read_folders(tmp_path)
    touch(tmp_path, "size/long/e.jpg", "image/x/f.jpg", "image/y/g.jpg")
    with pytest.raises(TableError, match="a head cannot be called 'image'"):
        read_folders(tmp_path)


def test_no_such_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No such folder: .*none"):
        read_folders(tmp_path / "none")


# === Parts ===


@pytest.mark.parametrize(
    "layout",
    ["{part}/{label}", "images/{part}/{label}", "data/images/{part}/{label}", "{label}/{part}"],
)
def test_folders_of_parts_are_no_labels(tmp_path, layout):
    for part in ("train", "VAL", "Testing"):
        for label in ("cat", "dog"):
            touch(tmp_path, f"{layout.format(part=part, label=label)}/1.jpg")
    table = read_folders(tmp_path)
    assert table.heads == {"label": BinaryHead(["cat", "dog"])}
    assert table.split == "split"
    for rows, part in zip(table.parts(), ("train", "VAL", "Testing"), strict=True):
        assert rows.frame["split"].tolist() == [part] * 2
        assert rows.labels()["label"].tolist() == [0, 1]
    assert "says the parts" in table.notes[-1]
    assert table.part("test").frame["split"].tolist() == ["Testing"] * 2


@pytest.mark.parametrize("layout", ["{part}/{head}/{label}", "{head}/{part}/{label}"])
def test_parts_may_hold_several_heads(tmp_path, layout):
    for part in ("training", "dev"):
        for head, label in (("kids", "yes"), ("kids", "no"), ("size", "short"), ("size", "long"), ("size", "mini")):
            touch(tmp_path, f"{layout.format(part=part, head=head, label=label)}/1.jpg")
    table = read_folders(tmp_path)
    assert table.heads == {"kids": BinaryHead(["no", "yes"]), "size": ClassificationHead(["long", "mini", "short"])}
    assert len(table.part("train")) == len(table.part("valid")) == 5


def test_one_part_alone_is_a_part(tmp_path):
    table = read_folders(touch(tmp_path, "train/cat/1.jpg", "train/dog/2.jpg"))
    assert list(table.heads) == ["label"]
    assert len(table.part("train")) == 2
    head = {"train": BinaryHead(["cat", "dog"])}
    assert read_folders(tmp_path, head).labels()["train"].tolist() == [0, 1]


def test_a_train_beside_cars_is_a_class(tmp_path):
    table = read_folders(touch(tmp_path, "train/1.jpg", "car/2.jpg", "bus/3.jpg"))
    assert table.heads == {"label": ClassificationHead(["bus", "car", "train"])}
    assert table.split is None
    assert table.notes == ("folder 'train' is taken for a label or a head, as 'bus', 'car' beside it are no parts",)
    touch(tmp_path / "heads", "vehicle/train/1.jpg", "vehicle/car/2.jpg", "old/yes/3.jpg", "old/no/4.jpg")
    assert list(read_folders(tmp_path / "heads").heads) == ["old", "vehicle"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            ["train/a/1.jpg", "test/a/2.jpg", "extra/a/3.jpg"],
            "'test', 'train' are parts, but 'extra' beside them are none",
        ),
        (["train/1.jpg", "test/2.jpg"], "no folder for each label in it; .* heads={'label'"),
        (["train/a/1.jpg", "train/b/1.jpg", "test/2.jpg"], "'test' has no folder for each label"),
        (["train/split/a/1.jpg", "train/split/b/2.jpg"], "cannot be called 'split', as the column of parts is"),
    ],
)
def test_parts_that_are_in_doubt_are_refused(tmp_path, files, message):
    with pytest.raises(TableError, match=message):
        read_folders(touch(tmp_path, *files))


def test_train_and_test_as_labels_are_given(tmp_path):
    table = read_folders(touch(tmp_path, "train/1.jpg", "test/2.jpg"), {"label": BinaryHead(["test", "train"])})
    assert table.labels()["label"].tolist() == [0, 1]


@pytest.mark.parametrize("words", [("train_set", "test_set"), ("train2017", "val2017"), ("seg_train", "seg_test")])
def test_folders_of_parts_may_have_a_year_or_a_word_beside(tmp_path, words):
    touch(tmp_path, *(f"{word}/{label}/1.jpg" for word in words for label in ("cat", "dog")))
    table = read_folders(tmp_path)
    assert list(table.heads) == ["label"]
    assert len(table.part("train")) == 2
    assert sorted(set(table.frame["split"])) == sorted({"train", "valid" if "val" in words[1] else "test"})


def test_a_part_beside_another_folder_with_the_same_labels_is_refused(tmp_path):
    touch(tmp_path, *(f"{word}/{label}/1.jpg" for word in ("train", "holdout") for label in ("cat", "dog")))
    with pytest.raises(TableError, match="the folders 'train' are parts, but 'holdout' beside them are none"):
        read_folders(tmp_path)


def test_folders_that_are_called_as_missing_labels_are_noted(tmp_path):
    touch(tmp_path, "cat/1.jpg", "dog/1.jpg", "unknown/1.jpg", "-1/1.jpg")
    table = read_folders(tmp_path)
    assert table.heads["label"].names == ["-1", "cat", "dog", "unknown"]
    assert [word for word in ("-1", "unknown") if any(f'folder "{word}"' in note for note in table.notes)] == [
        "-1",
        "unknown",
    ]
