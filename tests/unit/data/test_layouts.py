"""One column a head or one row a label; columns that happen to be called like something else; what a table tells."""

from __future__ import annotations

import pandas as pd
import pytest
from written import refusal, write

from mtlzoo.data import LabelTable, read_csv
from mtlzoo.heads import BinaryHead, ClassificationHead, RegressionHead

EITHER = "image,head,label\n0.png,bald,cat\n1.png,hair,dog\n2.png,bald,dog\n3.png,hair,cat\n"
LONG = "image,head,label\n0.png,size,big\n0.png,kids,yes\n1.png,size,small\n1.png,kids,no\n"


def test_the_heads_that_are_asked_for_tell_the_layout(tmp_path):
    path = write(tmp_path, EITHER)
    assert list(read_csv(path, heads=["head", "label"]).heads) == ["head", "label"]
    assert list(read_csv(path, heads=["label"]).heads) == ["label"]
    assert read_csv(path, heads=["bald"]).heads == {"bald": BinaryHead(["cat", "dog"])}
    assert list(read_csv(path, ignore="head").heads) == ["label"]


def test_what_may_be_either_is_asked(tmp_path):
    path = write(tmp_path, EITHER)
    assert 'say layout="wide" or layout="long" (--layout)' in refusal(path)
    assert list(read_csv(path, layout="wide").heads) == ["head", "label"]
    assert list(read_csv(path, layout="long").heads) == ["bald", "hair"]
    mixed = write(tmp_path, EITHER.replace("bald", "head").replace("hair", "label"))
    assert "may be heads of their own" in refusal(mixed, heads=["head"])


def test_labels_of_the_same_image_are_beyond_doubt(tmp_path):
    path = write(tmp_path, LONG)
    assert list(read_csv(path).heads) == ["kids", "size"]
    other = "image,head,label,price\n" + "".join(f"{line},{row}\n" for row, line in enumerate(LONG.split("\n")[1:5]))
    assert "may be heads of their own" in refusal(write(tmp_path, other))


def test_layouts_that_cannot_be(tmp_path):
    path = write(tmp_path, "image,head\n0.png,bald\n1.png,hair\n")
    assert "there is no 'label'" in refusal(path, layout="long")
    assert "expected the layout to be 'wide' or 'long', received: 'tall'" in refusal(path, layout="tall")


def test_columns_that_are_called_like_something_of_ours(tmp_path):
    table = read_csv(write(tmp_path, "image,region,stored in\n0.png,EU,shelf 1\n1.png,US,shelf 2\n"))
    assert list(table.heads) == ["region", "stored in"]
    assert table.regions() is None
    assert table.paths() == [str(tmp_path / "0.png"), str(tmp_path / "1.png")]
    table = read_csv(write(tmp_path, "image,region,a\n0.png,EU,x\n1.png,US,y\n"), ignore="region")
    assert table.take([0]).regions() is None


def test_regions_are_four_numbers():
    frame = pd.DataFrame({"image": ["a", "b"], "region": [(0, 1, 2, 3), None]})
    assert LabelTable(frame, {}).regions() == [(0, 1, 2, 3), None]


def test_no_head_is_called_image(tmp_path):
    path = write(tmp_path, "image,a\n0.png,x\n1.png,y\n")
    assert "a head cannot be called 'image'" in refusal(path, heads=["image", "a"])


@pytest.mark.parametrize("label", ["2021-03-{:02}", "{:02}.03.2021", "2021/03/{:02} 12:00:00"])
def test_dates_are_no_labels(tmp_path, label):
    rows = "".join(f"{row}.png,{label.format(row % 28 + 1)}\n" for row in range(56))
    assert "28 different dates" in refusal(write(tmp_path, "image,a\n" + rows))


# === What a table tells ===


def test_one_line_a_head_says_what_it_was_taken_for_and_why(tmp_path):
    rows = "".join(f"{row}.png,{row % 60},{'yn'[row % 2]},{'abc'[row % 3]}\n" for row in range(120))
    table = read_csv(
        write(tmp_path, "image,age,kids,size\n" + rows + "x.png,NA,,a\n"),
        heads={"age": None, "kids": None, "size": "ordinal"} | {"size": ClassificationHead(["c", "b", "a"])},
    )
    assert table.describe().split("\n") == [
        'age: regression, 120 labelled, 0\u201359; numbers with decimals or many different ones; 1 cell "NA" is missing',
        "kids: binary, 120 labelled, n, y; two different labels",
        "size: classification, 121 labelled, c, b, a; as told",
    ]
    assert table.take(range(10)).describe().startswith("age: regression, 10 labelled, 0\u20139")
    assert table.with_heads({"age": RegressionHead()}).describe().startswith("age: regression, 120 labelled")


def test_a_table_without_heads_has_nothing_to_tell():
    assert LabelTable.of_images(["a.png"]).describe() == ""
