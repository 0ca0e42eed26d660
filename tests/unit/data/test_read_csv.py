"""Plain tables: wide and long, tidy and untidy, and what is said of a file that cannot be used."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import TableError, read_csv, rows
from mtlzoo.heads import BinaryHead, ClassificationHead, MultiLabelHead, OrdinalHead, RegressionHead

WIDE = """image,garment,kids,price,tags,sender
a.jpg,coat,no,9.5,hood;zip,7
sub/b.jpg,dress,,12,,7
c.jpg,,yes,,none,8
d.jpg,shirt,no,3.25,zip,
"""
LONG = """image,head,label,sender
a.jpg,garment,coat,7
b.jpg,garment,dress,8
a.jpg,kids,no,7
c.jpg,kids,yes,
c.jpg,garment,shirt,8
d.jpg,,,9
"""


@pytest.fixture
def write(tmp_path):
    """Writes a file of labels."""

    def write(text: str | bytes, name: str = "labels.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refusal(path: Path, **arguments) -> str:
    with pytest.raises(TableError) as caught:
        read_csv(path, **arguments)
    message = str(caught.value)
    assert message.startswith(path.name)
    assert "\n" not in message
    return message


# === Wide ===


def test_wide(write, tmp_path):
    table = read_csv(write(WIDE), group="sender")
    assert table.heads == {
        "garment": ClassificationHead(["coat", "dress", "shirt"]),
        "kids": BinaryHead(["no", "yes"]),
        "price": RegressionHead(),
        "tags": MultiLabelHead(["hood", "zip"]),
    }
    labels = table.labels()
    assert labels["garment"].tolist() == [0, 1, -1, 2]
    assert labels["kids"].tolist() == [0, -1, 1, 0]
    np.testing.assert_array_equal(labels["price"], np.float32([[9.5], [12], [np.nan], [3.25]]))
    assert labels["tags"].tolist() == [[1, 1], [-1, -1], [0, 0], [0, 1]]
    assert table.paths()[1] == str(tmp_path / "sub/b.jpg")
    assert table.frame["sender"].tolist()[:3] == ["7", "7", "8"]
    assert table.where(2) == "labels.csv, line 4 (c.jpg)"


def test_heads_by_name_and_kind(write):
    path = write(WIDE)
    assert list(read_csv(path, ["kids", "garment"]).heads) == ["kids", "garment"]
    assert list(read_csv(path, "kids").heads) == ["kids"]
    table = read_csv(
        path, {"garment": ClassificationHead(["shirt", "dress", "coat"]), "kids": None, "price": "ordinal"}
    )
    assert table.labels()["garment"].tolist() == [2, 1, -1, 0]
    assert table.heads["kids"] == BinaryHead()
    assert table.heads["price"] == OrdinalHead(["3.25", "9.5", "12"])
    assert list(table.frame) == ["image", "garment", "kids", "price", "tags", "sender"]


def test_a_table_may_be_read_without_heads(write):
    table = read_csv(write(WIDE), heads={})
    assert table.heads == {}
    assert len(table) == 4
    assert table.for_heads({"kids": BinaryHead()}).labels()["kids"].tolist() == [0, -1, 1, 0]


def test_columns_that_are_no_heads(write):
    path = write(WIDE)
    table = read_csv(path, ignore=["tags", "price"], group="sender")
    assert list(table.heads) == ["garment", "kids"]
    assert "price" in table.frame
    assert list(read_csv(path, ignore="sender").heads) == ["garment", "kids", "price", "tags"]


def test_another_column_of_images_and_another_root(write, tmp_path):
    path = write("image,kids\na.jpg,yes\n/b.jpg,no\n")
    table = read_csv(path, image="image", root=tmp_path / "photographs")
    assert list(table.frame) == ["image", "kids"]
    assert table.paths() == [str(tmp_path / "photographs" / "a.jpg"), "/b.jpg"]


def test_a_folder_stands_for_its_labels_csv(write, tmp_path):
    write(WIDE)
    assert len(read_csv(tmp_path, group="sender")) == 4


# === Untidy files ===


@pytest.mark.parametrize(
    "untidy",
    [
        "\ufeff" + WIDE,
        WIDE.replace("\n", "\r\n"),
        WIDE.rstrip("\n"),
        WIDE.replace(",", " , ").replace("coat", "coat  "),
        WIDE.replace("coat", '"coat"'),
        WIDE.replace("\n", ",\n"),
        WIDE.replace("image", "\ufeffimage").replace("\n", "\r\n"),
        WIDE + "\n\n,,,,,\n",
    ],
    ids=["bom", "crlf", "no last newline", "blanks", "quotes", "commas at line ends", "bom and crlf", "empty lines"],
)
def test_untidy_files_read_like_tidy_ones(write, untidy):
    tidy, table = read_csv(write(WIDE, "tidy.csv"), group="sender"), read_csv(write(untidy), group="sender")
    assert table.heads == tidy.heads
    assert table.paths() == tidy.paths()
    assert table.frame["sender"].fillna("").tolist() == tidy.frame["sender"].fillna("").tolist()
    for name, targets in table.labels().items():
        np.testing.assert_array_equal(targets, tidy.labels()[name])


def test_commas_at_the_ends_of_lines_but_the_header(write):
    table = read_csv(write("image,kids\na.jpg,yes,\nb.jpg,no,\n"))
    assert table.frame["image"].tolist() == ["a.jpg", "b.jpg"]
    assert table.labels()["kids"].tolist() == [1, 0]


def test_columns_without_a_name_are_no_heads(write):
    frame = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "kids": ["yes", "no"]})
    table = read_csv(write(frame.to_csv()))
    assert list(table.heads) == ["kids"]


@pytest.mark.parametrize("labels", [["0", "1", "1"], ["0.0", "1.0", "1.0"]])
def test_whole_numbers_with_gaps_are_the_same_with_and_without_decimals(write, labels):
    """A column of whole numbers with gaps is written with decimals by pandas and by spreadsheets."""
    table = read_csv(write("image,kids\n" + "".join(f"{row},{label}\n" for row, label in enumerate(labels)) + "9,\n"))
    assert table.heads["kids"] == BinaryHead(["0", "1"])
    assert table.labels()["kids"].tolist() == [0, 1, 1, -1]


def test_a_million_cells_take_a_byte_each(write):
    rows = 20_000
    labels = np.random.default_rng(0).choice(["no", "yes", ""], (rows, 10))
    frame = pd.DataFrame(labels, columns=[f"h{column}" for column in range(10)])
    frame.insert(0, "image", [f"{row}.jpg" for row in range(rows)])
    table = read_csv(write(frame.to_csv(index=False)))
    assert table.frame.drop(columns="image").memory_usage(index=False, deep=True).sum() < 2 * rows * 10


# === Long ===


def test_long(write):
    table = read_csv(write(LONG), group="sender")
    assert table.frame["image"].tolist() == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert table.heads == {"garment": ClassificationHead(["coat", "dress", "shirt"]), "kids": BinaryHead()}
    assert table.labels()["garment"].tolist() == [0, 1, 2, -1]
    assert table.labels()["kids"].tolist() == [0, -1, 1, -1]
    assert table.frame["sender"].tolist() == ["7", "8", "8", "9"]
    assert table.where(2) == "labels.csv, c.jpg"


def test_long_and_wide_are_the_same_table(write):
    wide = read_csv(write(WIDE, "wide.csv"), ["garment", "kids"])
    melted = wide.frame.melt(id_vars="image", value_vars=["garment", "kids"], var_name="head", value_name="label")
    long = read_csv(write(melted.sample(frac=1, random_state=0).to_csv(index=False)))
    assert long.heads == wide.heads
    order = [long.frame["image"].tolist().index(image) for image in wide.frame["image"]]
    for name, targets in wide.labels().items():
        np.testing.assert_array_equal(long.labels()[name][order], targets)


def test_long_with_other_columns_and_ignored_heads(write):
    table = read_csv(write(LONG), ignore=["kids", "sender"])
    assert list(table.heads) == ["garment"]
    assert list(read_csv(write(LONG), ["kids"]).heads) == ["kids"]


def test_the_same_label_twice_is_one_label(write):
    assert read_csv(write(LONG + "a.jpg,kids,no,7\n"), group="sender").labels()["kids"].tolist() == [0, -1, 1, -1]


def test_conflicting_long_labels_are_named_with_their_lines(write):
    message = refusal(write("\n".join(LONG.split("\n")[:5]) + "\n\na.jpg,kids,yes,7\n"))
    assert message == "labels.csv, lines 4, 7: a.jpg has different values for the head 'kids': 'no', 'yes'."
    message = refusal(write(LONG + "a.jpg,,,8\n"), group="sender")
    assert message == "labels.csv, lines 2, 4, 8: a.jpg has different values for the column 'sender': '7', '8'."


def test_long_labels_that_cannot_be_read_are_named_with_their_line(write):
    message = refusal(write(LONG), heads={"garment": ClassificationHead(["coat", "dress"])})
    assert message.startswith("labels.csv, line 6 (c.jpg): head 'garment': unknown label 'shirt', expected one of:")
    assert "line 8: a label without the name of its head" in refusal(write(LONG + "d.jpg,,coat,9\n"))
    assert "line 8: a head cannot be called 'image'" in refusal(write(LONG + "d.jpg,image,coat,9\n"))
    assert "line 8: a head cannot be called 'sender'" in refusal(write(LONG + "d.jpg,sender,9,9\n"), group="sender")


# === Refusals ===


def test_a_label_that_cannot_be_read_is_named_with_its_line(write):
    message = refusal(write(WIDE), heads={"price": RegressionHead(), "garment": ClassificationHead(["coat", "dress"])})
    assert message.startswith("labels.csv, line 5 (d.jpg): head 'garment': unknown label 'shirt', expected one of:")
    message = refusal(write(WIDE.replace("12", "twelve")), heads={"price": "regression"})
    assert message == "labels.csv, line 3 (sub/b.jpg): head 'price': expected 1 number, received 'twelve'."


def test_lines_are_counted_over_empty_ones(write):
    message = refusal(write("image,kids\n\na.jpg,yes\n,\n\nb.jpg,maybe\n"), heads={"kids": BinaryHead()})
    assert message.startswith("labels.csv, line 6 (b.jpg): head 'kids': unknown label 'maybe'")
    assert refusal(write("image,kids\n\na.jpg,yes\n\n,no\n")) == "labels.csv, line 5: the image is empty."
    assert refusal(write("image,kids\na.jpg,yes\n   ,no\n")) == "labels.csv, line 3: the image is empty."


def test_unknown_columns_and_heads(write):
    columns = "garment, kids, price, tags, sender"
    assert refusal(write(WIDE), heads=["color"]) == f"labels.csv: unknown head 'color', expected some of: {columns}."
    assert refusal(write(WIDE), ignore=["color"]) == f"labels.csv: unknown column 'color', expected some of: {columns}."
    every = f"the columns are: image, {columns}"
    assert refusal(write(WIDE), image="file") == f"labels.csv: no column 'file'; {every}."
    assert refusal(write(WIDE), group="person") == f"labels.csv: no column 'person'; {every}."
    assert refusal(write(LONG), heads=["color"]) == "labels.csv: unknown head 'color', expected some of: garment, kids."
    assert "unknown kind of head 'tree', expected one of: " in refusal(write(WIDE), heads={"kids": "tree"})
    assert refusal(write("image\na.jpg\n")).startswith(
        "labels.csv: no column of labels beside image; it has one column"
    )


def test_two_columns_of_one_name(write):
    assert refusal(write("image,kids,kids\na,yes,no\n")) == "labels.csv, line 1: more than one column is called 'kids'."
    assert "more than one column is called 'kids'" in refusal(write("image,kids, kids \na,yes,no\n"))
    assert "rename the column 'image'" in refusal(write("image,photo,kids\na,1,no\n"), image="photo")


def test_heads_without_anything_to_learn(write):
    message = refusal(write("image,a,b\nx,1,\ny,2,\n"))
    assert message == "labels.csv: head 'b': no row has a label; leave this head out."
    message = refusal(write("image,a,b\nx,1,yes\ny,2,yes\n"))
    assert message == "labels.csv: head 'b': one label only, 'yes', in 2 rows: nothing to learn; leave this head out."
    names = "".join(f"{row}.jpg,{row % 2},person {row}\n" for row in range(80))
    message = refusal(write("image,kids,who\n" + names))
    assert message.startswith("labels.csv: head 'who': 80 different labels in 80 rows look like names")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "No columns"),
        (b"image,kids\na.jpg,yes\nb.jpg,no,yes\n", "line 3"),
        (b"image,kids\na.jpg,yes,no\nb.jpg,no\n", "line 2 has more cells than the header's 2"),
        (b'image,kids\n"a.jpg,yes\n', "EOF"),
    ],
    ids=["empty", "a long line", "a long first line", "an open quote"],
)
def test_files_that_are_no_tables(write, content, reason):
    message = refusal(write(content))
    assert message.startswith("labels.csv: not a table with a header: ")
    assert re.search(reason, message)


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^No such label file: .*none.csv\.$"):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(FileNotFoundError, match=r"labels\.csv"):
        read_csv(tmp_path)


# === Large tables ===


def test_files_are_read_in_chunks(write, monkeypatch):
    """Columns may be empty in a chunk, or have other labels; lines are counted through."""
    text = "image,a,b,n,sender\n" + "".join(
        f" {row // 2}.jpg,{'xy '[row % 3]},{'' if row < 6 else 'uv'[row % 2]},{row % 3}.0,{row // 4}\n"
        for row in range(13)
    )
    whole = read_csv(write(text), group="sender")
    monkeypatch.setattr(rows, "CHUNK", 3)
    table = read_csv(write(text), group="sender")
    pd.testing.assert_frame_equal(table.frame, whole.frame)
    assert table.frame["n"].tolist()[:4] == ["0.0", "1.0", "2.0", "0.0"]
    assert table.frame["b"].cat.categories.tolist() == ["u", "v"]
    assert table.frame["b"].cat.codes.dtype == "int8"
    assert table.heads == whole.heads
    assert "line 15" in refusal(write(text + ",x,u,1,2\n"))
    assert "line 16 (9.jpg)" in refusal(write(text + "\n9.jpg,x,w,1,2\n"), heads={"b": BinaryHead(["u", "v"])})
    assert "line 15 has more cells" in refusal(write(text + "9.jpg,x,u,1,2,3,4\n"))


def test_each_label_is_encoded_once(write, monkeypatch):
    seen = []
    encode = RegressionHead.encode
    monkeypatch.setattr(RegressionHead, "encode", lambda head, values: seen.append(len(values)) or encode(head, values))
    text = "image,age\n" + "".join(f"{row}.jpg,{row % 30 or ''}\n" for row in range(300))
    labels = read_csv(write(text)).labels()["age"]
    assert seen == [30]
    np.testing.assert_array_equal(labels[:, 0], [row % 30 or np.nan for row in range(300)])


def test_a_repeated_header_is_no_row(write):
    table = read_csv(write("image,age\na.jpg,1.5\nb.jpg,2.5\nimage, age\nc.jpg,3.5\n"))
    assert table.labels()["age"].tolist() == [[1.5], [2.5], [3.5]]
    assert table.notes == ("line 4 repeats the header and is left out",)
    assert "line 5 (c.jpg)" in refusal(
        write("image,a\na.jpg,u\nb.jpg,v\nimage,a\nc.jpg,w\n"), heads={"a": BinaryHead(["u", "v"])}
    )


def test_blank_cells_beyond_the_header_do_not_count(write):
    table = read_csv(write("image,a\na.jpg,x\nb.jpg,y\n,,\nc.jpg,x, ,\n"))
    assert table.frame["a"].tolist() == ["x", "y", "x"]
    assert "line 4 has more cells" in refusal(write("image,a\na.jpg,x\nb.jpg,y,,\nc.jpg,x,,z\n"))


def test_what_a_header_without_images_may_mean(write):
    assert refusal(write("Path,a\n1.jpg,x\n")).endswith("; is it 'Path'? Say image='Path' (--image).")
    assert "the first line holds but a number" in refusal(write("3\nSmiling Male\na.jpg 1 -1\n"))
