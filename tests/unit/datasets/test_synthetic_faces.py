"""The drawn face data sets: their layouts, quirks and statistics, and that the drawings show what the labels say."""

from __future__ import annotations

import collections
import pathlib
import re

import cv2
import numpy as np
import pytest

from mtlzoo.datasets import draw_face, make_faces
from mtlzoo.datasets.faces.drawing.geometry import Head, aim
from mtlzoo.datasets.faces.drawing.person import ETHNICITIES, GENDERS, POSES, FaceLabels
from mtlzoo.datasets.faces.layouts import _AGE_FRACTIONS

pytestmark = pytest.mark.slow

LAYOUTS = ("utkface", "mtfl")
CHIP_NAME = re.compile(r"(\d+)_(\d)_(?:(\d)_)?(\d{17})( ?)(\.?)jpg\.chip\.jpg")


def contents(directory: pathlib.Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    return make_faces(tmp_path_factory.mktemp("utkface") / "data", images=245, seed=3)


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    return make_faces(tmp_path_factory.mktemp("mtfl") / "data", images=200, seed=3, tests=70, layout="mtfl")


def rows(directory: pathlib.Path, name: str) -> list[tuple[str, np.ndarray, list[int]]]:
    """Path as it stands there, points of shape (5, 2), and the four tags."""
    lines = (directory / name).read_bytes().decode().split("\r\n")
    fields = [line.removeprefix(" ").split(" ") for line in lines[:-1]]
    return [
        (path, np.array(rest[:10], float).reshape(2, 5).T, [int(tag) for tag in rest[10:]]) for path, *rest in fields
    ]


def picture(directory: pathlib.Path, path: str) -> np.ndarray:
    return cv2.imread(str(directory / path.replace("\\", "/")), cv2.IMREAD_UNCHANGED)


# === UTKFace ===


def test_utkface_names_and_images(chips):
    files = sorted(path for path in chips.rglob("*") if not path.name.startswith("."))
    assert files[0] == chips / "UTKFace"
    assert len(files) == 246
    dates = set()
    for file in files[1:]:
        age, gender, ethnicity, date, _, _ = CHIP_NAME.fullmatch(file.name).groups()
        assert 0 <= int(age) <= 116
        assert gender in "01"
        assert ethnicity is None or ethnicity in "01234"
        dates.add(date)
        assert cv2.imread(str(file), cv2.IMREAD_UNCHANGED).shape == (200, 200, 3)
    assert len(dates) == 245


def test_utkface_quirks_from_60_images_on(tmp_path, chips):
    few = make_faces(tmp_path, images=60, seed=3)
    for directory in (few, chips):
        names = [CHIP_NAME.fullmatch(file.name).groups() for file in (directory / "UTKFace").iterdir()]
        assert sum(ethnicity is None for _, _, ethnicity, *_ in names) == 1
        assert sum(blank == " " for *_, blank, _ in names) == 1
        assert sum(dot == "" for *_, dot in names) == 1


def test_utkface_has_identical_copies_some_of_another_age(chips):
    groups = collections.defaultdict(list)
    for name, data in contents(chips).items():
        groups[data].append(CHIP_NAME.fullmatch(name.removeprefix("UTKFace/")).groups())
    copies = [group for group in groups.values() if len(group) > 1]
    assert sum(map(len, copies)) - len(copies) == 4
    ages = [{int(age) for age, *_ in group} for group in copies]
    assert 1 <= sum(len(group) > 1 for group in ages) < 4
    assert all(max(group) - min(group) < 10 for group in ages)
    assert all(len({gender for _, gender, *_ in group}) == 1 for group in copies)


def test_ages_are_spread_as_in_utkface():
    assert len(_AGE_FRACTIONS) == 117
    assert _AGE_FRACTIONS.sum() == pytest.approx(1)
    assert _AGE_FRACTIONS.min() > 0
    assert _AGE_FRACTIONS.argmax() == 26
    assert _AGE_FRACTIONS[1] > 3 * _AGE_FRACTIONS[2]
    assert np.average(np.arange(117), weights=_AGE_FRACTIONS) == pytest.approx(33.3, abs=2)


# === MTFL ===


def test_mtfl_quirks_of_the_tables(heads):
    for name, separator in (("training.txt", "\\"), ("testing.txt", "/")):
        text = (heads / name).read_bytes().decode()
        lines = text.split("\r\n")
        assert lines[-1] == " "
        assert "\n" not in text.replace("\r\n", "")
        assert not lines[0].startswith(" ")
        assert all(re.match(r" \S", line) for line in lines[1:-1])
        for path, points, tags in rows(heads, name):
            assert path.count("/") + path.count("\\") == path.count(separator) == 1
            assert points.shape == (5, 2)
            assert len(tags) == 4
            assert set(tags[:3]) <= {1, 2}
            assert 1 <= tags[3] <= 5


def test_mtfl_lists_all_images(heads):
    folders = collections.Counter()
    for name, count in (("training.txt", 200), ("testing.txt", 70)):
        listed = rows(heads, name)
        assert len(listed) == count
        folders.update(re.split(r"[\\/]", path)[0] for path, *_ in listed)
        assert all(picture(heads, path) is not None for path, *_ in listed)
    assert len(list(heads.rglob("*.jpg"))) == 270
    assert folders["AFLW"] == 70
    assert 0.35 < folders["lfw_5590"] / 200 < 0.48
    assert folders["lfw_5590"] + folders["net_7876"] == 200


def test_mtfl_shapes_and_gray_files(heads):
    pictures = {
        path: picture(heads, path) for name in ("training.txt", "testing.txt") for path, *_ in rows(heads, name)
    }
    for group in ("lfw_5590\\", "net_7876\\", "AFLW/"):
        shapes = [image.shape[:2] for path, image in pictures.items() if path.startswith(group)]
        expected = {"lfw_5590\\": {(250, 250)}, "AFLW/": {(150, 150)}}.get(group, set(shapes))
        assert set(shapes) == expected
    assert len(set(shapes)) == 1  # Of the test images; those of net_7876 differ.
    training = [image for path, image in pictures.items() if not path.startswith("AFLW")]
    assert 0.2 < np.mean([image.shape[0] != image.shape[1] for image in training]) < 0.27
    assert len({image.shape[:2] for image in training}) > 50
    for images in (training, [image for path, image in pictures.items() if path.startswith("AFLW")]):
        assert 0 < np.mean([image.ndim == 2 for image in images]) < 0.1


def test_mtfl_points_lie_inside_and_in_order(heads):
    for name in ("training.txt", "testing.txt"):
        for path, points, _ in rows(heads, name):
            height, width = picture(heads, path).shape[:2]
            assert (points > 0).all()
            assert (points < (width - 1, height - 1)).all()
            left_eye, right_eye, _, left_mouth, right_mouth = points
            assert left_eye[0] < right_eye[0]
            assert left_mouth[0] < right_mouth[0]
            # In the face's own upright position, that is, whatever the tilt.
            across = right_eye - left_eye + right_mouth - left_mouth
            down = np.array([-across[1], across[0]]) / np.hypot(*across)
            eyes, nose, mouth = ((points[rows_] @ down).mean() for rows_ in ([0, 1], [2], [3, 4]))
            assert eyes < nose < mouth


def test_mtfl_statistics(heads):
    for name, extent, tolerance in (("training.txt", 0.23, 0.012), ("testing.txt", 0.355, 0.02)):
        extents, centres = [], []
        for path, points, _ in rows(heads, name):
            height, width = picture(heads, path).shape[:2]
            # In the tight crops 0.355 is the longer extent of the points, as in the real ones.
            extent_of_points = np.ptp(points, axis=0)
            extents.append((extent_of_points[0] if name == "training.txt" else extent_of_points.max()) / width)
            centres.append((points.mean(axis=0) + 0.5) / (width, height))
        assert np.mean(extents) == pytest.approx(extent, abs=tolerance)
        if name == "testing.txt":
            np.testing.assert_allclose(np.mean(centres, axis=0), (0.496, 0.494), atol=0.012)
            assert (np.std(centres, axis=0) > 0.03).all()
            assert (np.std(centres, axis=0) < 0.06).all()


def test_labels_are_imbalanced_and_say_little_about_each_other():
    rng = np.random.default_rng(0)
    labels = [FaceLabels.random(rng) for _ in range(3000)]
    smile, glasses = (np.array([getattr(label, name) for label in labels], float) for name in ("smile", "glasses"))
    assert 0.44 < smile.mean() < 0.56
    assert 0.13 < glasses.mean() < 0.21
    poses = collections.Counter(label.pose for label in labels)
    assert set(poses) == set(POSES)
    assert 0.54 < poses["frontal"] / 3000 < 0.66
    age, male = (np.array(values, float) for values in zip(*[(label.age, label.gender == "male") for label in labels]))
    correlations = np.corrcoef([age, male, smile, glasses])
    assert np.abs(correlations - np.eye(4)).max() < 0.06


# === Chance ===


@pytest.mark.parametrize("layout", LAYOUTS)
def test_same_seed_same_bytes_and_other_seed_other_images(tmp_path, layout):
    first, second, other = (
        contents(make_faces(tmp_path / name, images=8, seed=seed, layout=layout))
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert first == second
    assert not set(first.values()) & set(other.values())


def test_larger_set_begins_with_the_smaller_one(tmp_path, chips, heads):
    few = make_faces(tmp_path / "mtfl", images=6, seed=3, tests=2, layout="mtfl")
    for name in ("training.txt", "testing.txt"):
        smaller, larger = ((directory / name).read_bytes() for directory in (few, heads))
        assert larger.startswith(smaller)
        assert all((few / file).read_bytes() == (heads / file).read_bytes()
                   for file in (path.replace("\\", "/") for path, *_ in rows(few, name)))  # fmt: skip
    assert contents(make_faces(tmp_path / "utkface", images=10, seed=3)).items() <= contents(chips).items()


def test_tests_default_to_a_quarter_and_to_none_for_utkface(tmp_path):
    assert len(rows(make_faces(tmp_path / "mtfl", images=9, layout="mtfl"), "testing.txt")) == 2
    assert len(contents(make_faces(tmp_path / "utkface", images=9))) == 9


# === Errors, overwriting, progress ===


def test_full_directory_is_refused_and_kept(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        make_faces(tmp_path, images=2)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_overwriting_replaces_the_data_and_nothing_else(tmp_path, layout):
    make_faces(tmp_path, images=6, seed=1, layout=layout)
    (tmp_path / "precious.txt").write_text("mine")
    make_faces(tmp_path, images=3, seed=2, layout=layout, overwrite=True)
    assert (tmp_path / "precious.txt").read_text() == "mine"
    assert len(list(tmp_path.rglob("*.jpg"))) == 3


def test_file_in_the_way(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(FileExistsError, match="received a file"):
        make_faces(path, images=2, overwrite=True)


@pytest.mark.parametrize(
    "wrong",
    [{"images": 0}, {"seed": -1}, {"tests": -1, "layout": "mtfl"}, {"tests": 5}, {"layout": "celeba"}],
)
def test_impossible_arguments(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"Expected .* received"):
        make_faces(tmp_path / "new", **{"images": 2, **wrong})
    assert not (tmp_path / "new").exists()


def test_progress_is_a_line_on_standard_error(tmp_path, capsys):
    make_faces(tmp_path / "loud", images=3, tests=1, layout="mtfl", progress=True)
    assert capsys.readouterr().err.endswith("Drew 4 of 4 images\n")
    make_faces(tmp_path / "quiet", images=1)
    captured = capsys.readouterr()
    assert captured.err == captured.out == ""


# === Drawings ===


def test_draw_face_shows_what_is_asked_for():
    asked = {
        "age": 3,
        "gender": "female",
        "ethnicity": "indian",
        "smile": True,
        "glasses": True,
        "pose": "left profile",
    }
    for framing in ("aligned", "whole", "tight"):
        face, again = (draw_face(np.random.default_rng(1), (64, 80), framing, **asked) for _ in range(2))
        assert face.image.shape == (64, 80, 3)
        assert face.image.dtype == np.uint8
        assert {name: getattr(face.labels, name) for name in asked} == asked
        np.testing.assert_array_equal(face.image, again.image)
        np.testing.assert_array_equal(face.points, again.points)


def test_every_face_can_be_drawn():
    """All corners of the label space, where beards, baldness and infants meet profiles and glasses."""
    rng = np.random.default_rng(0)
    for age in (0, 1, 30, 116):
        for gender in GENDERS:
            for position, pose in enumerate(POSES):
                face = draw_face(rng, (48, 48), "whole", age, gender, ETHNICITIES[position], pose=pose)
                assert np.isfinite(face.points).all()
                assert face.image.std() > 3


@pytest.mark.parametrize(
    "wrong",
    [{"age": 117}, {"age": 30.5}, {"gender": "man"}, {"ethnicity": "none"}, {"pose": "up"}, {"framing": "wide"},
     {"size": (200, 8)}],
)  # fmt: skip
def test_draw_face_names_what_is_possible(wrong):
    with pytest.raises(ValueError, match=rf"Expected `{next(iter(wrong))}` .* received"):
        draw_face(np.random.default_rng(0), **wrong)


def test_camera_sees_the_centre_at_the_target():
    """Half a large pixel before the centre of the first one lies the edge of the image, at any scale."""
    centre = np.array([0.03, 0.2])
    for scale in (1, 2, 4):
        camera = aim((90, 120), centre, (20.0, 33.0), 70.0, 0.3, scale)
        seen = (camera(centre[None])[0] + 0.5) / scale - 0.5
        np.testing.assert_allclose(seen, (20.0, 33.0), atol=1e-9)
        right = camera(centre[None] + (1.0, 0.0))[0] - camera(centre[None])[0]
        np.testing.assert_allclose(right, 70.0 * scale * np.array([np.cos(0.3), np.sin(0.3)]), atol=1e-9)


def test_turning_the_head_moves_the_nose_to_where_the_face_looks():
    offsets = []
    for pose in POSES:
        points = draw_face(np.random.default_rng(2), framing="aligned", pose=pose).points
        offsets.append((points[2] - points[:2].mean(axis=0))[0])
    assert offsets == sorted(offsets)
    assert offsets[1] < -5
    assert offsets[3] > 5
    frontal, turned = Head(), Head(yaw=0.6)
    mirrored = Head(yaw=-0.6)
    np.testing.assert_allclose(frontal.project(frontal.landmarks)[2, 0], 0, atol=1e-12)
    swapped = mirrored.project(mirrored.landmarks)[[1, 0, 2, 4, 3]] * (-1, 1)
    np.testing.assert_allclose(turned.project(turned.landmarks), swapped, atol=1e-12)


def test_points_lie_on_the_drawn_features():
    """Around an eye there is more contrast than beside it, and around the mouth's corners more red than on the cheek."""
    rng = np.random.default_rng(0)
    contrasts, beside = [], []
    for _ in range(60):
        face = draw_face(rng, (150, 150), "tight", age=30, glasses=False, pose="frontal", gender="female")
        gray = cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY).astype(float)
        distance = np.linalg.norm(face.points[1] - face.points[0])

        def spread(point: np.ndarray, gray: np.ndarray = gray, reach: int = round(0.12 * distance)) -> float:
            x, y = np.rint(point).astype(int)
            return gray[y - reach : y + reach + 1, x - reach : x + reach + 1].std()

        contrasts += [spread(face.points[0]), spread(face.points[1])]
        cheek = 0.5 * (face.points[:2] + face.points[3:])
        beside += [spread(cheek[0]), spread(cheek[1])]
    assert np.median(contrasts) > 3 * np.median(beside)
    # The darkest spot near an eye is its pupil, which a glance moves but little.
    face = draw_face(np.random.default_rng(5), (300, 300), "tight", 30, "female", "white", False, False, "frontal")
    gray = cv2.GaussianBlur(cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY), (0, 0), 4)
    distance = np.linalg.norm(face.points[1] - face.points[0])
    for x, y in face.points[:2]:
        left, top = round(x - 0.2 * distance), round(y - 0.2 * distance)
        window = gray[top : round(y + 0.2 * distance) + 1, left : round(x + 0.2 * distance) + 1]
        row, column = np.unravel_index(window.argmin(), window.shape)
        assert np.hypot(left + column - x, top + row - y) < 0.13 * distance


@pytest.mark.long
def test_labels_can_be_learned_from_the_pixels():
    """A linear model on 32 x 32 pixels beats the majority, and finds the points; a network does far better."""
    train, test = 360, 120
    faces = [draw_face(np.random.default_rng([9, index]), (64, 64), pose="frontal") for index in range(train + test)]
    pixels = np.stack([cv2.resize(face.image, (32, 32), interpolation=cv2.INTER_AREA) for face in faces])
    features = pixels.reshape(len(faces), -1) / 255.0
    features -= features[:train].mean(axis=0)
    weights = np.linalg.solve(features[:train] @ features[:train].T + 30 * np.eye(train), np.eye(train))

    def predict(target: list) -> tuple[np.ndarray, np.ndarray]:
        target = np.array(target, float)
        mean = target[:train].mean(axis=0)
        answer = features[train:] @ (features[:train].T @ (weights @ (target[:train] - mean))) + mean
        return answer, target[train:]

    for name, positive, least in (("smile", True, 0.78), ("gender", "male", 0.72)):
        answer, truth = predict([getattr(face.labels, name) == positive for face in faces])
        assert np.mean((answer > 0.5) == truth) > least
    answer, truth = predict([face.labels.glasses for face in faces])
    ranks = answer[truth == 1][:, None] > answer[truth == 0][None]
    assert ranks.mean() > 0.8  # The area under the ROC curve: glasses are rare.
    answer, truth = predict([face.labels.age for face in faces])
    assert np.corrcoef(answer, truth)[0, 1] > 0.45
    answer, truth = predict([face.points.ravel() for face in faces])
    error = np.linalg.norm((answer - truth).reshape(-1, 5, 2), axis=2).mean()
    constant = np.linalg.norm((truth - truth.mean(axis=0)).reshape(-1, 5, 2), axis=2).mean()
    assert error < 0.7 * constant
