"""The tables of shapes and boxes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mtlzoo.data import FORMATS, TableError, image_dataset, make_shapes, read_shapes, split
from mtlzoo.heads import BinaryHead, BoxHead, RegressionHead

HEADER = "image,shape,x_min,y_min,x_max,y_max"


@pytest.fixture
def write(tmp_path):
    """Writes a table, by default with a header, and returns its folder."""

    def write(*lines: str, part: str = "train", header: str = HEADER) -> Path:
        (tmp_path / f"{part}.csv").write_text("\n".join([header, *lines]) + "\n")
        return tmp_path

    return write


def refusal(folder: Path, **arguments) -> str:
    with pytest.raises(TableError) as caught:
        read_shapes(folder, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# === One object an image ===


def test_one_row_a_image(write):
    table = read_shapes(write("a.png,triangle,1,2.5,30,40", "", "b c.png,rectangle,0,0,224,224"))
    assert table.frame["image"].tolist() == ["a.png", "b c.png"]
    assert table.frame["shape"].tolist() == ["triangle", "rectangle"]
    assert table.frame["box"].tolist() == [(1, 2.5, 30, 40), (0, 0, 224, 224)]
    assert table.frame["object"].tolist() == [(0, 1, 2.5, 30, 40), (1, 0, 0, 224, 224)]
    assert table.heads == {"shape": BinaryHead(["triangle", "rectangle"]), "box": BoxHead(format="xyxy")}
    assert table.where(1) == "train.csv, line 4 (b c.png)"
    assert table.labels()["shape"].tolist() == [0, 1]


def test_one_output_of_five_numbers(write):
    table = read_shapes(write("a.png,rectangle,1,2.5,30,40")).with_heads({"object": RegressionHead(units=5)})
    assert table.labels()["object"].tolist() == [[1, 1, 2.5, 30, 40]]


def test_empty_cells_are_missing(write):
    folder = write("a.png,triangle,1,2,3,4", "b.png,,1,2,3,4", "c.png,rectangle,,,,", "d.png,,,,,")
    labelled = read_shapes(folder).labelled()
    assert labelled["shape"].tolist() == [True, False, True, False]
    assert labelled["box"].tolist() == [True, True, False, False]
    assert read_shapes(folder).frame["object"].notna().tolist() == [True, False, False, False]


def test_columns_in_another_order_and_further_ones(write):
    header = "note,x_max,y_max,x_min,y_min,shape,image"
    table = read_shapes(write("of mine,30,40,1,2,triangle,a.png", header=header))
    assert table.frame["box"].tolist() == [(1, 2, 30, 40)]


def test_drawn_data_set_comes_back_as_the_network_sees_it(tmp_path):
    folder = make_shapes(tmp_path / "shapes", images=12, seed=1)
    assert len(FORMATS["shapes"](folder, part="test")) == 3
    table = read_shapes(folder)
    table.check()
    images, labels = next(image_dataset(table, (112, 56), batch_size=12).as_numpy_iterator())
    boxes = np.array(table.frame["box"].tolist())
    np.testing.assert_allclose(labels["box"], boxes / 224, atol=1e-5)
    assert labels["shape"].tolist() == [shape == "rectangle" for shape in table.frame["shape"]]
    for image, box in zip(images, labels["box"]):
        # The middle of a target is of another colour than the white around, unless a white one or a line is in the way.
        x, y = (box[:2] + box[2:]) / 2 * (56, 112)
        assert (image[int(y), int(x)] < 255).any()
    assert [len(part) for part in split(table, [0.5, 0.5])] == [6, 6]


# === Several objects an image ===


def test_several_rows_are_one_image(write):
    folder = write("a.png,triangle,1,2,3,4", "b.png,rectangle,5,6,7,8", "a.png,rectangle,0,0,9,9", "c.png,,,,,")
    table = read_shapes(folder)
    assert table.frame["image"].tolist() == ["a.png", "b.png", "c.png"]
    assert table.frame["objects"].tolist() == [
        (("triangle", 1, 2, 3, 4), ("rectangle", 0, 0, 9, 9)),
        (("rectangle", 5, 6, 7, 8),),
        (),
    ]
    assert table.where(1) == "train.csv, line 3 (b.png)"
    assert list(table.frame) == ["image", "objects"]


def test_one_object_each_may_be_read_as_several(write):
    folder = write("a.png,triangle,1,2,3,4", "b.png,rectangle,5,6,7,8")
    assert read_shapes(folder, several=True).frame["objects"].tolist() == [
        (("triangle", 1, 2, 3, 4),),
        (("rectangle", 5, 6, 7, 8),),
    ]


def test_both_parts_are_read_alike(write):
    write("a.png,triangle,1,2,3,4", "a.png,triangle,1,2,3,4")
    folder = write("b.png,rectangle,5,6,7,8", part="test")
    assert "objects" in read_shapes(folder, "test").frame
    assert "box" in read_shapes(folder, "test", several=False).frame


def test_drawn_data_set_with_several_objects(tmp_path):
    table = read_shapes(make_shapes(tmp_path / "shapes", images=20, objects=4))
    assert len(table) == 20
    assert {len(objects) for objects in table.frame["objects"]} == {1, 2, 3, 4}


# === What is refused ===


@pytest.mark.parametrize(
    ("row", "parts"),
    [
        ("b.png,circle,1,2,3,4", ["unknown shape 'circle'", "triangle, rectangle"]),
        ("b.png,Triangle,1,2,3,4", ["unknown shape 'Triangle'"]),
        ("b.png,triangle,30,2,3,4", ["x_min below x_max", "x_min 30, x_max 3"]),
        ("b.png,triangle,1,4,3,2", ["y_min below y_max"]),
        ("b.png,triangle,1,2,1,4", ["x_min below x_max"]),
        ("b.png,triangle,one,2,3,4", ["x_min", "finite number", "'one'"]),
        ("b.png,triangle,1,2,3,", ["y_max", "empty cell"]),
        ("b.png,triangle,1,2,inf,4", ["x_max", "finite number"]),
        ("b.png,triangle,-1,2,3,4", ["inside its image", "x_min -1"]),
        ("a.png,triangle,1,2,3,4", ["more than one row", "several=True"]),
    ],
)
def test_wrong_rows_are_named(write, row, parts):
    folder = write("a.png,triangle,1,2,3,4", "", row)
    arguments = {"several": False} if row.startswith("a") else {}
    message = refusal(folder, **arguments)
    assert message.startswith(f"train.csv, line 4 ({row[:5]}): ")
    for part in parts:
        assert part in message


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize(
    ("box", "named"),
    [("0,0,41,30", "x_max 41"), ("0,0,40,30.5", "y_max 30.5"), ("-0.5,0,4,3", "x_min -0.5"), ("0,-9,4,3", "y_min -9")],
)
def test_boxes_outside_their_image(write, suffix, box, named):
    folder = write(f"whole{suffix},triangle,0,0,40,30", f"small{suffix},triangle,{box}")
    for name in ("whole", "small"):
        cv2.imwrite(str(folder / f"{name}{suffix}"), np.zeros((30, 40, 3), np.uint8))
    for several in (None, True):
        message = refusal(folder, several=several)
        assert message.startswith(
            f"train.csv, line 3 (small{suffix}): expected a box inside its image of 40 x 30 pixels"
        )
        assert named in message


def test_images_that_cannot_be_read_are_left_to_who_reads_them(write):
    folder = write("missing.png,triangle,0,0,9000,9000", "broken.png,triangle,0,0,10,10")
    (folder / "broken.png").write_bytes(b"\x89PNG")
    assert len(read_shapes(folder)) == 2


@pytest.mark.parametrize("row", ["b.png,,1,2,3,4", "b.png,triangle,,,,"])
def test_half_an_object(write, row):
    folder = write("a.png,triangle,1,2,3,4", row)
    missing = "box" if ",," in row[:7] else "shape"
    assert refusal(folder, several=True).endswith(
        f"a shape and a box, or neither for an image without objects, received only the {missing}."
    )


def test_wrong_columns(write):
    message = refusal(write("a.png,triangle,1,2,3,4", header="image,shape,left,y_min,x_max,y_max"))
    assert message.startswith("train.csv: no column 'x_min'")
    assert HEADER.replace(",", ", ") in message
    assert "left" in message
    assert "no column 'image'" in refusal(write("triangle,1", header="shape,x_min"))
    assert "line 2: the image is empty" in refusal(write(",triangle,1,2,3,4"))


def test_files_that_are_none(write, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train\.csv"):
        read_shapes(tmp_path)
    assert refusal(write()) == "train.csv: no rows."
    with pytest.raises(ValueError, match="train, test"):
        read_shapes(tmp_path, "valid")
