"""The drawn FashionAI data set: its layout, its labels, and that the drawings show what the labels say."""

from __future__ import annotations

import csv
import pathlib

import cv2
import numpy as np
import pytest

from mtlzoo.datasets import draw_garment, make_fashionai
from mtlzoo.datasets.fashionai.attributes import FASHIONAI_ATTRIBUTES
from mtlzoo.datasets.fashionai.drawing.scales import SCALES, measure, neighbours
from mtlzoo.datasets.fashionai.maker import _choose_value


def rows(path: pathlib.Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def contents(directory: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return make_fashionai(tmp_path_factory.mktemp("fashion") / "data", images=120, seed=3, tests=8)


# === Layout ===


def test_layout(small):
    labels = rows(small / "Annotations" / "label.csv")
    questions = rows(small / "Tests" / "question.csv")
    answers = rows(small / "Tests" / "answer.csv")
    assert (len(labels), len(questions), len(answers)) == (120, 8, 8)
    assert [question[:2] for question in questions] == [answer[:2] for answer in answers]
    assert {question[2] for question in questions} == {"?"}
    for path, attribute, _ in labels + questions:
        folder, name = path.rsplit("/", 1)
        assert folder == f"Images/{attribute}"
        assert len(name) == 36
        int(name.removesuffix(".jpg"), 16)
    listed = {path for path, *_ in labels + questions}
    assert len(listed) == 128
    assert listed == {path.relative_to(small).as_posix() for path in (small / "Images").rglob("*.jpg")}


def test_each_string_answers_one_attribute_with_one_y(small):
    for _, attribute, letters in rows(small / "Annotations" / "label.csv") + rows(small / "Tests" / "answer.csv"):
        values = FASHIONAI_ATTRIBUTES[attribute.removesuffix("_labels")]
        assert len(letters) == len(values)
        assert letters.count("y") == 1
        assert set(letters) <= set("ynm")


def test_a_few_maybes_and_only_at_neighbours(small):
    strings = [row[1:] for row in rows(small / "Annotations" / "label.csv")]
    doubtful = [(attribute.removesuffix("_labels"), letters) for attribute, letters in strings if "m" in letters]
    assert 0.01 < len(doubtful) / len(strings) < 0.1
    for attribute, letters in doubtful:
        values = FASHIONAI_ATTRIBUTES[attribute]
        assert letters.count("m") == 1
        assert values[letters.index("m")] in neighbours(attribute, values[letters.index("y")])


def test_images_are_photographs_of_various_sizes(small):
    pictures = [cv2.imread(str(path)) for path in sorted((small / "Images").rglob("*.jpg"))]
    heights, widths = np.array([picture.shape[:2] for picture in pictures]).T
    assert 256 <= heights.min() < heights.max() <= 400
    assert np.mean(widths < heights) > 0.6
    assert len(set(np.round(widths / heights, 2))) > 5
    assert min(picture.std() for picture in pictures) > 5


def test_every_value_occurs_from_400_rows_on_and_unevenly():
    everything = {(attribute, value) for attribute, values in FASHIONAI_ATTRIBUTES.items() for value in values}
    for seed in range(20):
        chosen = [_choose_value("train", index, seed) for index in range(400)]
        assert set(chosen) == everything
        sleeves = [value for attribute, value in chosen if attribute == "sleeve_length"]
        counts = [sleeves.count(value) for value in FASHIONAI_ATTRIBUTES["sleeve_length"]]
        assert max(counts) > 2 * min(counts)


# === Chance ===


def test_same_seed_same_bytes_and_other_seed_other_images(tmp_path):
    first, second, other = (
        contents(make_fashionai(tmp_path / name, images=12, seed=seed)) for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert first == second
    assert not {name for name in first if name.endswith(".jpg")} & set(other)
    assert not set(first.values()) & {data for name, data in other.items() if name.endswith(".jpg")}


def test_larger_set_begins_with_the_smaller_one(tmp_path, small):
    few = make_fashionai(tmp_path, images=10, seed=3, tests=2)
    for table in ("Annotations/label.csv", "Tests/answer.csv"):
        smaller, larger = rows(few / table), rows(small / table)
        assert smaller == larger[: len(smaller)]
        assert all((few / path).read_bytes() == (small / path).read_bytes() for path, *_ in smaller)


def test_tests_default_to_a_quarter(tmp_path):
    data = make_fashionai(tmp_path, images=9)
    assert len(rows(data / "Tests" / "question.csv")) == 2


# === Errors, overwriting, progress ===


def test_full_directory_is_refused_and_kept(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        make_fashionai(tmp_path, images=2)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_overwriting_replaces_the_data_and_nothing_else(tmp_path):
    make_fashionai(tmp_path, images=6, seed=1)
    (tmp_path / "precious.txt").write_text("mine")
    make_fashionai(tmp_path, images=3, seed=2, tests=1, overwrite=True)
    assert (tmp_path / "precious.txt").read_text() == "mine"
    assert len(list((tmp_path / "Images").rglob("*.jpg"))) == 4


def test_file_in_the_way(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(FileExistsError, match="received a file"):
        make_fashionai(path, images=2, overwrite=True)


@pytest.mark.parametrize("wrong", [{"images": 0}, {"images": 2, "tests": -1}, {"images": 2, "seed": -1}])
def test_impossible_numbers(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"Expected .* received"):
        make_fashionai(tmp_path / "new", **wrong)
    assert not (tmp_path / "new").exists()


def test_progress_is_a_line_on_standard_error(tmp_path, capsys):
    make_fashionai(tmp_path / "loud", images=3, tests=1, progress=True)
    assert capsys.readouterr().err.endswith("Drew 4 of 4 images\n")
    make_fashionai(tmp_path / "quiet", images=1)
    captured = capsys.readouterr()
    assert captured.err == captured.out == ""


# === Drawings ===


@pytest.mark.parametrize(
    ("attribute", "value"),
    [(attribute, value) for attribute, values in FASHIONAI_ATTRIBUTES.items() for value in values],
)
def test_draw_garment(attribute, value):
    for size in ((64, 48), (40, 60)):
        image, again = (draw_garment(attribute, value, np.random.default_rng(4), size) for _ in range(2))
        assert image.shape == (*size, 3)
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, again)
        assert image.std() > 5


@pytest.mark.parametrize("attribute", ["pant_length", "skirt_length"])
def test_longer_garments_cover_more_of_the_legs(attribute):
    """With all else equal, the image differs from that of the longest value in fewer and fewer rows."""
    values = FASHIONAI_ATTRIBUTES[attribute][1:]
    for seed in range(5):
        pictures = [draw_garment(attribute, value, np.random.default_rng(seed), (160, 160)) for value in values]
        middle = [cv2.blur(picture, (7, 3))[:, 60:100].astype(int) for picture in pictures]
        changed = [int((np.abs(picture - middle[-1]).max(axis=(1, 2)) > 40).sum()) for picture in middle]
        assert changed[-1] == 0
        assert changed[0] > changed[2] > 0


@pytest.mark.parametrize("attribute", list(SCALES))
def test_measures_lie_inside_their_value_and_maybes_at_its_edge(attribute):
    values, boundaries = SCALES[attribute]
    assert len(boundaries) == len(values) + 1
    assert list(boundaries) == sorted(boundaries)
    assert set(values) < set(FASHIONAI_ATTRIBUTES[attribute])
    rng = np.random.default_rng(0)
    for position, value in enumerate(values):
        low, high = boundaries[position : position + 2]
        margin = 0.1 * (high - low)
        assert all(low + margin < measure(attribute, value, rng) < high - margin for _ in range(50))
        for maybe in neighbours(attribute, value):
            edge = boundaries[max(position, values.index(maybe))]
            assert all(abs(measure(attribute, value, rng, maybe) - edge) < margin for _ in range(50))


def test_draw_garment_names_what_is_possible():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="coat_length"):
        draw_garment("hat", "Invisible", rng, (64, 64))
    with pytest.raises(ValueError, match="Rib Collar"):
        draw_garment("collar_design", "Mandarin", rng, (64, 64))
    with pytest.raises(ValueError, match=r"\(height, width\)"):
        draw_garment("collar_design", "Rib Collar", rng, (64, 8))
    with pytest.raises(ValueError, match="neighbour"):
        draw_garment("collar_design", "Rib Collar", rng, (64, 64), maybe="Peter Pan")
