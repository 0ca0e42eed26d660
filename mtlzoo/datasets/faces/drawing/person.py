"""Somebody to draw: what age, gender and group make likely, and what is everybody's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlzoo.datasets.drawing.fabric import darker, garment_colour

__all__ = ["AGES", "ETHNICITIES", "GENDERS", "POSES", "FaceLabels", "Hair", "Person", "mixed"]

AGES = range(117)
GENDERS = ("male", "female")
ETHNICITIES = ("white", "black", "asian", "indian", "other")
POSES = ("left profile", "left", "frontal", "right", "right profile")

_YAWS = ((-74, -50), (-43, -20), (-13, 13), (20, 43), (50, 74))  # Degrees; the gaps keep the classes apart.
_SKIN_RAMP = np.array([(255, 226, 205), (244, 204, 174), (226, 178, 142), (198, 144, 106), (154, 104, 74),
                       (108, 72, 52), (74, 50, 40)], float)  # fmt: skip
_HAIR_COLOURS = {
    "black": (30, 26, 27), "dark": (58, 42, 34), "brown": (98, 68, 45), "light": (146, 106, 66),
    "blond": (206, 172, 116), "red": (150, 78, 42),
}  # fmt: skip
_EYE_COLOURS = {"brown": (84, 52, 32), "dark": (48, 32, 26), "hazel": (118, 96, 54), "green": (96, 122, 88),
                "blue": (96, 136, 172)}  # fmt: skip
# Where each group's skin lies on the ramp (mean, spread), and how frequent its hair colours, textures and eye colours
# are. The groups overlap, as people do.
_GROUPS = {
    "white": ((0.10, 0.07), (0.1, 0.22, 0.28, 0.16, 0.18, 0.06), (0.6, 0.35, 0.05), (0.35, 0.05, 0.15, 0.15, 0.3)),
    "black": ((0.80, 0.10), (0.85, 0.12, 0.02, 0.0, 0.01, 0.0), (0.12, 0.18, 0.7), (0.35, 0.65, 0.0, 0.0, 0.0)),
    "asian": ((0.18, 0.06), (0.72, 0.2, 0.06, 0.01, 0.01, 0.0), (0.93, 0.07, 0.0), (0.3, 0.7, 0.0, 0.0, 0.0)),
    "indian": ((0.56, 0.08), (0.78, 0.18, 0.03, 0.01, 0.0, 0.0), (0.6, 0.38, 0.02), (0.4, 0.6, 0.0, 0.0, 0.0)),
    "other": ((0.35, 0.08), (0.5, 0.33, 0.14, 0.02, 0.01, 0.0), (0.4, 0.52, 0.08), (0.6, 0.25, 0.12, 0.02, 0.01)),
}


@dataclass(frozen=True)
class FaceLabels:
    """What is to be seen on a face: `age` in years, `gender`, `ethnicity` and `pose` by name, `smile` and `glasses`."""

    age: int
    gender: str
    ethnicity: str
    smile: bool
    glasses: bool
    pose: str

    @classmethod
    def random(cls, rng: np.random.Generator, **given: Any) -> FaceLabels:
        """Labels drawn independently of each other, about as frequent as in photographs, but for those `given`.

        Labels that are given as `None` are drawn too.
        """
        drawn: dict[str, Any] = {
            "age": round(min(float(rng.gamma(4.0, 9.0)), float(AGES[-1]))),
            "gender": GENDERS[rng.integers(2)],
            "ethnicity": ETHNICITIES[rng.choice(5, p=(0.43, 0.19, 0.14, 0.17, 0.07))],
            "smile": bool(rng.random() < 0.5),
            "glasses": bool(rng.random() < 0.17),
            "pose": POSES[rng.choice(5, p=(0.05, 0.15, 0.6, 0.15, 0.05))],
        }
        return cls(**drawn | {name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True)
class Hair:
    """A haircut.

    Attributes:
        style: "none", "short", "bob", "long" or "bun".
        hairline: height at which it begins above the forehead, head units.
        temples: azimuth in radians beyond which hair covers the side of the face.
        volume: how far it stands off the head, on top and at the sides.
        end: how far down it hangs.
        bald: whether the top of the head is bare.
        curl: 0 straight, 1 wavy, 2 curly.
    """

    colour: tuple[float, ...]
    style: str
    hairline: float
    temples: float
    volume: tuple[float, float]
    end: float
    bald: bool
    curl: int


@dataclass(frozen=True)
class Person:
    """One face: its labels, and everything about it that is no label.

    Attributes:
        child, old: 1 for an infant, 0 from about 18 on; 0 until about 25, 1 from about 85 on.
        beard: "", "stubble", "moustache", "goatee" or "full".
        eye_height: half of the open eye's height, in head units; eye_tilt: how far its outer corner is raised.
        smile: 0 to 1; mouth_open: how far the lips part, in head units.
    """

    labels: FaceLabels
    child: float
    old: float
    yaw: float
    pitch: float
    skin: tuple[float, ...]
    hair: Hair
    brow: tuple[tuple[float, ...], float, float]  # Colour, thickness, arch.
    eyes: tuple[float, ...]
    eye_height: float
    eye_tilt: float
    single_lid: bool
    lashes: float
    lip: tuple[float, ...]
    lip_fullness: float
    smile: float
    mouth_open: float
    beard: str
    jaw: float
    width: float
    nose: tuple[float, float, float]  # How far it sticks out, length, width; 1 is usual.
    wrinkles: float
    blush: float
    makeup: float

    @classmethod
    def random(cls, labels: FaceLabels, rng: np.random.Generator) -> Person:
        """Somebody with these labels. What is drawn here overlaps between the values of a label, as it does in life."""
        # A face may look older or younger than it is.
        age = max(labels.age + rng.normal(0, 0.4 + 0.05 * labels.age), 0.0)
        child = float(np.interp(age, (0, 1, 3, 6, 10, 14, 18), (1, 0.92, 0.76, 0.55, 0.36, 0.16, 0)))
        old = float(np.interp(age, (22, 40, 55, 70, 85, 116), (0, 0.22, 0.48, 0.76, 1.0, 1.2)))
        grown = 1 - child
        male = labels.gender == "male"
        (tone, spread), hair_fractions, curl_fractions, eye_fractions = _GROUPS[labels.ethnicity]
        skin = _skin(np.clip(tone + rng.normal(0, spread), 0, 1), rng)
        hair_colour = _hair_colour(hair_fractions, age, male, rng)
        hair = _haircut(hair_colour, age, child, male, int(rng.choice(3, p=curl_fractions)), rng)
        iris = list(_EYE_COLOURS.values())[rng.choice(len(_EYE_COLOURS), p=eye_fractions)]
        narrow = labels.ethnicity == "asian"
        makeup = 0.0 if male or age < 15 else max(rng.normal(0.55, 0.35), 0.0)
        bearded = male and age > 17 and rng.random() < 0.5
        lip_base = np.array((176, 92, 86)) * 0.55 + np.array(skin) * (0.42, 0.3, 0.3)
        painted = np.array([(178, 36, 52), (196, 84, 96), (150, 40, 60), (206, 96, 84)][rng.integers(4)])
        smile = rng.uniform(0.55, 1.0) if labels.smile else max(rng.normal(-0.05, 0.09), -0.2)
        opened = rng.random()
        yaw = np.deg2rad(rng.uniform(*_YAWS[POSES.index(labels.pose)]))
        brow_colour = tuple(0.75 * np.array(mixed(hair_colour, (58, 42, 34), 0.35)) + 0.1 * np.array(skin))
        return cls(
            labels=labels,
            child=child,
            old=old,
            yaw=float(yaw),
            pitch=float(np.deg2rad(np.clip(rng.normal(0, 4), -9, 9))),
            skin=skin,
            hair=hair,
            brow=(brow_colour, (0.02 + (0.013 if male else -0.003) * grown) * rng.uniform(0.75, 1.3) * (1 - 0.45 * child),
                  (0.01 if male else 0.019) + rng.normal(0, 0.006)),
            eyes=darker(iris, rng.uniform(0.8, 1.2)),
            eye_height=(0.0185 if narrow else 0.026) * rng.uniform(0.88, 1.14) * (1 + 0.4 * child - 0.2 * old)
            * (1 - 0.2 * max(smile, 0)) * (1.0 if male else 1.08),
            eye_tilt=(0.012 if narrow else 0.002) + rng.normal(0, 0.004) - 0.006 * old,
            single_lid=rng.random() < (0.6 if narrow else 0.05),
            lashes=float(np.clip((0.25 if male else 0.55) + 0.5 * makeup + rng.normal(0, 0.1), 0.1, 1)),
            lip=mixed(tuple(lip_base), tuple(painted), min(0.75 * makeup, 0.9)),
            lip_fullness=(0.85 if male else 1.1) * rng.uniform(0.8, 1.25) * (1 - 0.4 * old),
            smile=float(smile),
            mouth_open=float((0.028 * rng.uniform(0.5, 1.2) if opened < 0.7 else 0.0) if labels.smile
                             else (0.022 * rng.uniform(0.5, 1.4) if opened < 0.16 else 0.0)),
            beard=str(rng.choice(["stubble", "stubble", "moustache", "goatee", "full"])) if bearded else "",
            jaw=((0.016 if male else -0.016) * grown + 0.012 * child + 0.016 * old + rng.normal(0, 0.007)),
            width=float(np.clip(rng.normal(1.0, 0.035), 0.92, 1.1)),
            nose=(rng.uniform(0.85, 1.15), rng.uniform(0.93, 1.06),
                  rng.uniform(0.85, 1.15) * (1.05 if male else 0.93) * (1 + 0.12 * old)),
            wrinkles=max(old * rng.uniform(0.8, 1.2), 0.0),
            blush=float(np.clip(0.25 * child + 0.5 * makeup * rng.random(), 0, 0.4)),
            makeup=makeup,
        )  # fmt: skip


def mixed(one: tuple[float, ...], other: tuple[float, ...], fraction: float) -> tuple[float, ...]:
    """The colour between two: `one` for a fraction of 0, `other` for 1."""
    return tuple((1 - fraction) * a + fraction * b for a, b in zip(one, other, strict=True))


def _skin(tone: float, rng: np.random.Generator) -> tuple[float, ...]:
    position = tone * (len(_SKIN_RAMP) - 1)
    colour = [float(np.interp(position, np.arange(len(_SKIN_RAMP)), channel)) for channel in _SKIN_RAMP.T]
    return tuple(np.clip(np.array(colour) * (1 + rng.normal(0, (0.03, 0.02, 0.03))), 0, 255))


def _hair_colour(fractions: tuple[float, ...], age: float, male: bool, rng: np.random.Generator) -> tuple[float, ...]:
    colour = darker(list(_HAIR_COLOURS.values())[rng.choice(len(_HAIR_COLOURS), p=fractions)], rng.uniform(0.8, 1.15))
    if age < 8:
        colour = mixed(colour, (176, 138, 96), 0.25)
    if age > 15 and rng.random() < 0.02:
        return garment_colour(rng)
    gray = float(np.clip(np.interp(age, (32, 45, 58, 72, 85), (0, 0.18, 0.55, 0.88, 1)) + rng.normal(0, 0.12), 0, 1))
    if age < 32 or (not male and rng.random() < 0.25):
        gray *= 0.2  # Dyed.
    return mixed(colour, (202, 201, 200), gray * 0.95)


def _haircut(
    colour: tuple[float, ...], age: float, child: float, male: bool, curl: int, rng: np.random.Generator
) -> Hair:
    """Men mostly wear it short and lose it with the years; women mostly wear it longer; infants have little."""
    if male:
        style = str(rng.choice(["short", "bob", "long", "bun"], p=(0.9, 0.05, 0.04, 0.01)))
    else:
        style = str(rng.choice(["short", "bob", "long", "bun"], p=(0.12, 0.24, 0.5, 0.14)))
    if age < 2.5:
        style = "none" if rng.random() < 0.5 - 0.15 * age else "short"
    recession = float(np.interp(age, (20, 40, 65, 90), (0.0, 0.3, 0.75, 1.0)) * rng.uniform(0.2, 1.2)) if male else 0.0
    bald = male and style == "short" and recession > 0.62
    if male and age > 22 and rng.random() < 0.05:
        style = "none"
    hairline = -0.31 - 0.04 * child - 0.12 * recession + rng.normal(0, 0.015)
    if style != "none" and not bald and rng.random() < (0.14 if male else 0.32):
        hairline = rng.uniform(-0.2, -0.13)  # A fringe.
    temples = rng.uniform(1.28, 1.45) if style in ("short", "none", "bun") else rng.uniform(1.08, 1.32)
    top = rng.uniform(0.03, 0.075) if style == "short" else rng.uniform(0.04, 0.08)
    side = rng.uniform(0.008, 0.03) if style in ("short", "bun") else rng.uniform(0.04, 0.09)
    if curl == 2:
        top, side = top * rng.uniform(0.8, 2.2), side + rng.uniform(0.0, 0.06 if male else 0.12)
    if style == "none" or age < 2.5:
        top, side = 0.008, 0.004
    end = {"none": 0.05, "short": 0.13, "bun": 0.16, "bob": rng.uniform(0.28, 0.5), "long": rng.uniform(0.62, 1.1)}[
        style
    ]
    return Hair(colour, style, float(hairline), float(temples), (float(top), float(side)), float(end), bald, curl)
