"""Pictures sorted into folders."""

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


def test_what_is_no_picture_is_left_alone(tmp_path):
    touch(tmp_path, "no/a.jpg", "yes/b.jpg", "notes.txt", "no/._a.jpg", ".cache/deep/in/c.jpg", "yes/Thumbs.db")
    (tmp_path / "no" / "folder.jpg").mkdir()
    assert read_folders(tmp_path).frame["image"].tolist() == ["no/a.jpg", "yes/b.jpg"]


@pytest.mark.parametrize(
    ("files", "received"),
    [
        ([], "no pictures"),
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
