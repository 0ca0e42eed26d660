"""The layout of the MTFL data set."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mtlzoo.data import FORMATS, TableError, image_dataset, read_mtfl
from mtlzoo.heads import BinaryHead, ClassificationHead, LandmarkHead

FILES = {"train": "training.txt", "test": "testing.txt"}
# Eyes, nose and corners of the mouth of an upright face seen from the front, the eyes 40 pixels apart.
FRONTAL = np.array([[80, 90], [120, 90], [100, 115], [84, 132], [116, 132]], float)
POSES = ["left profile", "left", "frontal", "right", "right profile"]


def line(points: np.ndarray = FRONTAL, tags: str = "1 2 2 3", image: str = r"lfw_5590\a.jpg") -> str:
    numbers = " ".join(f"{number:.6f}" for number in np.asarray(points).T.ravel())
    return f"{image} {numbers} {tags}"


def rotation(degrees: float) -> np.ndarray:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, sine], [-sine, cosine]])


@pytest.fixture
def write(tmp_path):
    """Writes one of the two files as the real ones are written, and returns the folder."""

    def write(*lines: str, part: str = "train", newline: str = "\r\n", start: str = "") -> Path:
        text = start + f"{newline} ".join(lines) + f"{newline} "
        (tmp_path / FILES[part]).write_bytes(text.encode())
        return tmp_path

    return write


def refusal(folder: Path, **arguments) -> str:
    with pytest.raises(TableError) as caught:
        read_mtfl(folder, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def regions(write, *faces: np.ndarray, **arguments) -> np.ndarray:
    return np.array(read_mtfl(write(*map(line, faces)), **arguments).regions())


# === Reading ===


def test_one_face_a_line(write, tmp_path):
    other = FRONTAL + np.array([3.25, -7.5])
    table = read_mtfl(write(line(), line(other, "2 1 1 5", r"net_7876\b c.JPG")))
    assert table.frame["image"].tolist() == ["lfw_5590/a.jpg", "net_7876/b c.JPG"]
    assert table.paths()[1] == str(tmp_path / "net_7876/b c.JPG")
    assert table.frame["landmarks"].tolist() == [tuple(map(tuple, FRONTAL)), tuple(map(tuple, other))]
    assert len({hash(cell) for cell in table.frame["landmarks"]}) == 2
    assert table.frame["gender"].tolist() == ["male", "female"]
    assert table.frame["smile"].tolist() == table.frame["glasses"].tolist() == ["no", "yes"]
    assert table.frame["pose"].tolist() == ["frontal", "right profile"]
    np.testing.assert_allclose(table.labels()["landmarks"], [FRONTAL, other])
    assert table.labels()["gender"].tolist() == [0, 1]
    assert table.labels()["smile"].tolist() == [0, 1]
    assert table.labels()["pose"].tolist() == [2, 4]
    assert table.notes == ()


def test_heads(write):
    assert read_mtfl(write(line())).heads == {
        "landmarks": LandmarkHead(["left_eye", "right_eye", "nose", "left_mouth", "right_mouth"], format="xy"),
        "gender": BinaryHead(["male", "female"]),
        "smile": BinaryHead(["no", "yes"]),
        "glasses": BinaryHead(["no", "yes"]),
        "pose": ClassificationHead(POSES, flip_pairs=[["left profile", "right profile"], ["left", "right"]]),
    }


def test_each_pose_has_its_number(write):
    table = read_mtfl(write(*[line(tags=f"1 1 1 {pose}") for pose in range(1, 6)]))
    assert table.frame["pose"].tolist() == POSES


def test_the_test_part_has_its_own_file_and_no_regions(write):
    write(line())
    table = read_mtfl(write(line(image="AFLW/0001-image20056.jpg"), part="test"), part="test")
    assert table.frame["image"].tolist() == ["AFLW/0001-image20056.jpg"]
    assert table.source == "testing.txt"
    assert table.regions() is None
    assert "region" in read_mtfl(write(line())).frame


@pytest.mark.parametrize(("newline", "start"), [("\n", ""), ("\r\n", "\ufeff"), ("\r\n\r\n", "\r\n"), ("\n", " \t")])
def test_untidy_files(write, newline, start):
    table = read_mtfl(write(line(), line(image="b.jpg"), newline=newline, start=start))
    assert table.frame["image"].tolist() == ["lfw_5590/a.jpg", "b.jpg"]
    np.testing.assert_allclose(table.labels()["landmarks"], [FRONTAL] * 2)


def test_rows_know_their_lines(write):
    table = read_mtfl(write(line(), "", line(image="b.jpg")))
    assert table.where(1) == "training.txt, line 3 (b.jpg)"


@pytest.mark.parametrize("code", ["0", "-1", "6", "1.5", "nan"])
def test_other_numbers_are_missing_and_counted(write, code):
    table = read_mtfl(write(line(tags=" ".join([code] * 4)), line(tags="1 1 1 1")))
    assert table.frame[["gender", "smile", "glasses", "pose"]].isna().to_numpy().tolist() == [[True] * 4, [False] * 4]
    assert table.labels()["gender"].tolist() == [-1, 0]
    assert table.labels()["pose"].tolist() == [-1, 0]
    assert table.notes == tuple(
        f"1 face without a readable {tag}: lfw_5590/a.jpg" for tag in ("gender", "smile", "glasses", "pose")
    )


def test_the_format_is_registered(write):
    assert len(FORMATS["mtfl"](write(line(), line()))) == 2


# === Regions ===


def test_regions_are_square_and_put_the_points_where_the_test_images_have_them(write):
    (region,) = regions(write, FRONTAL, jitter=0)
    side = region[2] - region[0]
    assert region[3] - region[1] == pytest.approx(side)
    np.testing.assert_allclose((FRONTAL.mean(axis=0) - region[:2]) / side, [0.496, 0.494])


def test_faces_as_people_hold_their_heads_span_what_is_asked_for_on_average(write):
    rng = np.random.default_rng(0)
    middle = FRONTAL.mean(axis=0)
    faces = [
        (FRONTAL - middle) * (1, stretch) @ rotation(tilt) + middle
        for tilt, stretch in zip(rng.normal(0, 10, 300), rng.normal(1, 0.1, 300))
    ]
    sides = np.diff(regions(write, *faces)[:, [0, 2]])[:, 0]
    assert (np.ptp(faces, axis=1).max(axis=1) / sides).mean() == pytest.approx(0.355, rel=0.04)


def test_regions_follow_the_face(write):
    """Moved, scaled or tilted, a face fills the same part of its region."""
    middle = FRONTAL.mean(axis=0)
    shift = np.array([31, -17])
    first, moved, scaled, tilted = regions(
        write, FRONTAL, FRONTAL + shift, 2 * FRONTAL, (FRONTAL - middle) @ rotation(25) + middle, jitter=0
    )
    np.testing.assert_allclose(moved, first + np.tile(shift, 2))
    np.testing.assert_allclose(scaled, 2 * first, atol=1e-5)
    np.testing.assert_allclose(tilted, first, atol=1e-4)


@pytest.mark.parametrize("yaw", [-50, -25, 25, 50])
def test_regions_of_faces_that_turn_away_are_hardly_smaller(write, yaw):
    """A head's depth: the nose lies in front of the eyes by more than half their distance."""
    depth = np.array([0, 0, 22, 2, 2.0])
    x = (FRONTAL[:, 0] - 100) * np.cos(np.radians(yaw)) + depth * np.sin(np.radians(yaw))
    first, turned = regions(write, FRONTAL, np.column_stack([x, FRONTAL[:, 1]]), jitter=0)
    assert 0.8 < (turned[2] - turned[0]) / (first[2] - first[0]) <= 1.02


@pytest.mark.parametrize("span", [0.2, 0.5])
def test_span_sets_the_size(write, span):
    side = np.diff(regions(write, FRONTAL, jitter=0)[:, [0, 2]])
    np.testing.assert_allclose(np.diff(regions(write, FRONTAL, jitter=0, span=span)[:, [0, 2]]) * span, side * 0.355)


def test_without_span_there_are_no_regions(write):
    table = read_mtfl(write(line()), span=None)
    assert table.regions() is None
    assert "region" not in table.frame


@pytest.mark.parametrize("jitter", [0.02, 0.08])
def test_jitter_stays_within_its_bounds_and_fills_them(write, jitter):
    faces = [FRONTAL] * 300
    (still,) = regions(write, FRONTAL, jitter=0)
    moved = regions(write, *faces, jitter=jitter)
    sides = moved[:, 2] - moved[:, 0]
    np.testing.assert_allclose(moved[:, 3] - moved[:, 1], sides)
    places = (FRONTAL.mean(axis=0) - moved[:, :2]) / sides[:, None] - [0.496, 0.494]
    for amounts in (*places.T, sides / (still[2] - still[0]) - 1):
        assert 0.95 * jitter < np.abs(amounts).max() <= jitter + 1e-9
        assert abs(amounts.mean()) < 0.15 * jitter


def test_jitter_depends_on_the_row_and_the_seed_alone(write):
    faces = [FRONTAL] * 20
    first = regions(write, *faces)
    np.testing.assert_array_equal(first, regions(write, *faces))
    np.testing.assert_array_equal(first[:7], regions(write, *faces[:7]))
    assert len(np.unique(first, axis=0)) == 20
    assert (first != regions(write, *faces, seed=1)).all()


def test_points_in_one_place_show_the_whole_image(write):
    assert read_mtfl(write(line(np.full((5, 2), 7.0)), line())).regions()[0] is None


def test_the_loader_sees_the_region_of_a_image_that_is_not_square(write):
    """Bright points in a dark image come to lie where the labels say, in regions across its edges too."""
    faces = [FRONTAL - np.array([70, 60]), FRONTAL + np.array([80, 10])]
    folder = write(*[line(face, image=f"{index}.png") for index, face in enumerate(faces)])
    for index, face in enumerate(faces):
        picture = np.zeros((150, 240), np.uint8)
        for x, y in face.astype(int):
            picture[y - 1 : y + 2, x - 1 : x + 2] = 255
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    table = read_mtfl(folder)
    images, targets = next(iter(image_dataset(table, (112, 112), batch_size=2, augment=None)))
    places = targets["landmarks"].numpy()
    assert places.shape == (2, 5, 2)
    np.testing.assert_allclose(places.mean(axis=1), [[0.496, 0.494]] * 2, atol=0.08 + 1e-6)
    for image, points in zip(images.numpy(), places):
        for x, y in np.round(points * 112 - 0.5).astype(int):
            assert image[y, x].min() > 200
        assert (image > 128).any(axis=-1).mean() < 0.02


# === Refusals ===


def test_wrong_arguments_are_refused(write, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No such label file: .*testing\.txt"):
        read_mtfl(write(line()), part="test")
    for arguments, message in [
        ({"part": "valid"}, "one of train, test, received: 'valid'"),
        ({"span": 0}, "`span` to be None or a fraction"),
        ({"span": float("nan")}, "`span` to be None or a fraction"),
        ({"jitter": -0.1}, r"`jitter` in \[0, 1\), received: -0.1"),
        ({"jitter": 1}, r"`jitter` in \[0, 1\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            read_mtfl(tmp_path, **arguments)


@pytest.mark.parametrize(
    ("bad", "received"),
    [
        (line().rsplit(maxsplit=1)[0], "14 fields"),
        (line() + " 3", "16 fields"),
        (line(image="a").removeprefix("a "), "14 fields"),
        ("a.jpg", "1 fields"),
        (line(image="notes.txt"), "15 fields"),
    ],
)
def test_lines_with_other_fields_are_refused(write, bad, received):
    message = refusal(write(line(), bad))
    assert message.startswith(
        f"training.txt, line 2: expected the path of an image and 14 numbers, received {received}: '{bad[:5]}"
    )


@pytest.mark.parametrize(
    ("place", "text", "message"),
    [
        (1, "left", "x of left_eye: expected a number, received 'left'"),
        (7, "12,5", "y of right_eye: expected a number, received '12,5'"),
        (10, "nan", "y of right_mouth: expected a finite number, received 'nan'"),
        (3, "inf", "x of nose: expected a finite number, received 'inf'"),
        (11, "male", "gender: expected a number, received 'male'"),
        (14, "?", "pose: expected a number, received '?'"),
    ],
)
def test_what_is_no_number_is_refused(write, place, text, message):
    fields = line().split()
    fields[place] = text
    assert refusal(write(line(), line(), " ".join(fields))) == f"training.txt, line 3 (lfw_5590/a.jpg): {message}."


def test_empty_and_binary_files_are_refused(tmp_path):
    (tmp_path / "training.txt").write_text(" \n \n")
    assert refusal(tmp_path) == "training.txt: no lines."
    (tmp_path / "training.txt").write_bytes(b"\xff\xfe\x00a")
    assert refusal(tmp_path).startswith("training.txt: not a text in UTF-8: ")
