"""Names, label lines and images of faces as UTKFace and MTFL have them, quirks included."""

from __future__ import annotations

import datetime
import math
from typing import NamedTuple

import cv2
import numpy as np

from mtlzoo.datasets.faces.drawing.painting import DrawnFace, draw_face
from mtlzoo.datasets.faces.drawing.person import ETHNICITIES, GENDERS, POSES

__all__ = ["MtflFile", "UtkfaceFile", "mtfl_file", "utkface_file"]

# === UTKFace ===

CHIP = 200
_GENDER_FRACTIONS = (0.523, 0.477)
_ETHNICITY_FRACTIONS = np.array([10078, 4526, 3434, 3975, 1692]) / 23705
_POSE_FRACTIONS = (0.02, 0.13, 0.7, 0.13, 0.02)
# Quirks of single names lie at these places of every ten thousand, so that they are as rare as in the real set, and
# there from 60 images on.
_QUIRK_PERIOD = 10_000
_NO_ETHNICITY, _BLANK, _NO_DOT = 17, 31, 43
_COPY_PERIOD, _COPY = 60, 50
_WRONG_AGES = 0.6  # Of the copies.


class UtkfaceFile(NamedTuple):
    """An image under its name, which holds the labels."""

    name: str
    data: bytes


def utkface_file(index: int, seed: int) -> UtkfaceFile:
    """Draws an image of UTKFace's layout; every 60th is a copy of one of the 49 before it, under another name."""
    rng = np.random.default_rng([seed, 0, index])
    if index % _COPY_PERIOD == _COPY:
        face, data = _chip(index - int(rng.integers(1, _COPY)), seed)
        wrong = 0
        if rng.random() < _WRONG_AGES:
            wrong = int(rng.integers(1, 9)) * (1 if face.labels.age < 9 or rng.random() < 0.5 else -1)
        age = min(max(face.labels.age + wrong, 0), 116)
    else:
        face, data = _chip(index, seed)
        age = face.labels.age
    fields = [age, GENDERS.index(face.labels.gender), ETHNICITIES.index(face.labels.ethnicity)]
    quirk = index % _QUIRK_PERIOD
    if quirk == _NO_ETHNICITY:
        fields.pop()
    # Half a minute apart: no two images have the same date.
    taken = datetime.datetime(2017, 1, 9, 14, 24, 8) + datetime.timedelta(seconds=37 * index)
    date = f"{taken:%Y%m%d%H%M%S}{int(rng.integers(1000)):03d}"
    extension = {_BLANK: " .jpg", _NO_DOT: "jpg"}.get(quirk, ".jpg")
    return UtkfaceFile("_".join(map(str, [*fields, date])) + extension + ".chip.jpg", data)


def _chip(index: int, seed: int) -> tuple[DrawnFace, bytes]:
    rng = np.random.default_rng([seed, 1, index])
    face = draw_face(
        rng,
        (CHIP, CHIP),
        "aligned",
        age=int(rng.choice(len(_AGE_FRACTIONS), p=_AGE_FRACTIONS)),
        gender=GENDERS[rng.choice(2, p=_GENDER_FRACTIONS)],
        ethnicity=ETHNICITIES[rng.choice(5, p=_ETHNICITY_FRACTIONS)],
        pose=POSES[rng.choice(5, p=_POSE_FRACTIONS)],
    )
    return face, _jpeg(face.image, rng)


def _age_fractions() -> np.ndarray:
    """How frequent each age is, 0 to 116: as in UTKFace, many of 1 and 26 years, and more round numbers than others."""
    bounds = (0, 1, 2, 5, 10, 20, 26, 27, 30, 40, 50, 60, 70, 80, 90, 117)
    fractions = (0.002, 0.047, 0.044, 0.042, 0.065, 0.115, 0.093, 0.105, 0.19, 0.095, 0.097, 0.056, 0.03, 0.017, 0.004)
    weights = np.where((np.arange(117) % 5 == 0) & (np.arange(117) > 29), 2.0, 1.0)
    for low, high, fraction in zip(bounds[:-1], bounds[1:], fractions, strict=True):
        weights[low:high] *= fraction / weights[low:high].sum()
    # The tail gets thinner to the end.
    weights[90:] *= np.exp(-np.arange(27) / 8)
    return weights / weights.sum()


_AGE_FRACTIONS = _age_fractions()

# === MTFL ===

LFW_FRACTION, WIDE_FRACTION, GRAY_FRACTION = 0.415, 0.235, 0.04  # LFW's images, others that are not square, gray files.
_FIRST_NAMES = ("Ada", "Bruno", "Carla", "Daniel", "Elena", "Felix", "Grace", "Hugo", "Irene", "Jonas", "Kaori", "Luis")
_LAST_NAMES = ("Abel", "Bianchi", "Costa", "Duarte", "Eriksen", "Fujita", "Garcia", "Hansen", "Ito", "Jansen", "Khan")


class MtflFile(NamedTuple):
    """An image, its path as `training.txt` or `testing.txt` has it, and the rest of its line."""

    path: str
    numbers: str
    data: bytes


def mtfl_file(split: str, index: int, seed: int) -> MtflFile:
    """Draws an image of MTFL's layout; `split` is `"train"`, whole heads, or `"test"`, faces cut close."""
    rng = np.random.default_rng([seed, 2 + ("train", "test").index(split), index])
    gray = _evenly(index, seed, math.sqrt(2)) < GRAY_FRACTION
    place = _evenly(index, seed, (math.sqrt(5) - 1) / 2)
    if split == "test":
        path, size, framing = f"AFLW/{index + 1:04d}-image{int(rng.integers(100_000)):05d}.jpg", (150, 150), "tight"
    elif place < LFW_FRACTION:
        first, last = rng.choice(_FIRST_NAMES), rng.choice(_LAST_NAMES)
        path, size, framing = f"lfw_5590\\{first}_{last}_{index + 1:04d}.jpg", (250, 250), "whole"
    else:
        path, size, framing = f"net_7876\\{index + 1}_0_0.jpg", (side := int(rng.integers(120, 321)), side), "whole"
        if place < LFW_FRACTION + WIDE_FRACTION:
            size = (side, round(side * rng.choice([rng.uniform(0.66, 0.95), rng.uniform(1.06, 1.4)])))
    face = draw_face(rng, size, framing)
    labels = face.labels
    tags = [
        1 + GENDERS.index(labels.gender),
        1 if labels.smile else 2,
        1 if labels.glasses else 2,
        1 + POSES.index(labels.pose),
    ]
    numbers = [f"{coordinate:.6f}" for coordinate in face.points.T.ravel()] + [str(tag) for tag in tags]
    return MtflFile(path, " ".join(numbers), _jpeg(face.image, rng, gray))


def _evenly(index: int, seed: int, step: float) -> float:
    """A number in [0, 1) from a sequence that leaves no gaps, so that what is rare comes up in small sets too."""
    return (np.random.default_rng([seed, 4]).random() + index * step) % 1.0


def _jpeg(image: np.ndarray, rng: np.random.Generator, gray: bool = False) -> bytes:
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if gray else image[..., ::-1]
    _, encoded = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(75, 96))])
    return encoded.tobytes()
