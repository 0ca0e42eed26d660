"""What is worn, and how it is framed, so that one attribute has one value and shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mtlzoo.datasets.fashionai.drawing.scales import SCALES, measure

__all__ = ["Outfit", "choose_outfit"]


@dataclass
class Outfit:
    """Everything that is worn; heights in head units, sleeves as a fraction of the arm (see `scales`).

    Attributes:
        frame: heights of the body at the upper and lower edge of the image.
        neckline: kind and depth, see `necks.neckline`.
        sleeve: 0 is sleeveless.
        lower: `"trousers"` or `"skirt"`; a `dress` is a top and a skirt of one cloth.
        coat_hem: `None` without a coat.
        opening: half the gap between the coat's fronts at the hem.
        collar, lapel, band: kind and size, see `necks`.
        hiding: what covers the neck, the arms or the lower half: `"scarf"`, `"hair"`, `"cape"`, `"counter"`.
    """

    frame: tuple[float, float]
    neckline: tuple[str, float]
    sleeve: float
    sleeve_ease: float
    top_hem: float
    lower: str
    lower_hem: float
    boxy: float
    flare: float
    dress: bool = False
    coat_hem: float | None = None
    coat_button: float = 2.7
    opening: float = 0.0
    buttoned_up: bool = False
    collar: tuple[str, float] | None = None
    lapel: tuple[str, float] | None = None
    band: tuple[str, float] | None = None
    turned: bool = False
    hiding: str | None = None


def choose_outfit(attribute: str, value: str, rng: np.random.Generator, maybe: str | None = None) -> Outfit:
    """An outfit that shows `value` of `attribute`, close to the neighbouring value `maybe` if that is given."""
    outfit = _everyday(rng)
    size = measure(attribute, value, rng, maybe) if value in SCALES[attribute].values else None
    _CHOOSERS[attribute](outfit, value, size, rng)
    return outfit


def _everyday(rng: np.random.Generator) -> Outfit:
    lower = "trousers" if rng.random() < 0.5 else "skirt"
    return Outfit(
        frame=_full(rng),
        neckline=_open_neckline(rng),
        sleeve=float(rng.choice([0.0, 0.12, 0.3, 0.45, 0.7, 1.0])),
        sleeve_ease=rng.uniform(0.03, 0.1),
        top_hem=rng.uniform(3.2, 4.0),
        lower=lower,
        lower_hem=rng.uniform(4.9, 7.8),
        boxy=rng.uniform(0.0, 0.8),
        flare=rng.uniform(0.0, 0.22),
    )


def _full(rng: np.random.Generator) -> tuple[float, float]:
    top = rng.uniform(-0.35, 0.1) if rng.random() < 0.6 else rng.uniform(0.6, 1.2)
    return top, rng.uniform(8.25, 8.6)


def _bust(rng: np.random.Generator) -> tuple[float, float]:
    return rng.uniform(0.0, 0.8), rng.uniform(2.9, 3.35)


def _legs(rng: np.random.Generator) -> tuple[float, float]:
    return rng.uniform(1.6, 2.8), rng.uniform(8.25, 8.6)


def _open_neckline(rng: np.random.Generator) -> tuple[str, float]:
    kind = ("round", "v", "square")[rng.integers(3)]
    return kind, rng.uniform(1.66, 1.85) if kind == "round" else rng.uniform(1.85, 2.1)


def _pick(rng: np.random.Generator, *options: str) -> str:
    return options[int(rng.integers(len(options)))]


def _hide_neck(outfit: Outfit, rng: np.random.Generator, without: Callable[[], None]) -> None:
    """Makes a neck attribute invisible: out of the image, covered, turned away, or (by `without`) not there."""
    outfit.frame = _bust(rng)
    match _pick(rng, "scarf", "hair", "turned", "cropped", "without", "without"):
        case "turned":
            outfit.turned = True
        case "cropped":
            outfit.frame = (rng.uniform(2.9, 3.3), rng.uniform(6.5, 8.6))
        case "without":
            without()
        case covering:
            outfit.hiding = covering


def _put_on_coat(outfit: Outfit, hem: float, rng: np.random.Generator) -> None:
    outfit.coat_hem = hem
    outfit.sleeve = rng.uniform(0.97, 1.05)
    outfit.sleeve_ease = rng.uniform(0.06, 0.11)
    outfit.coat_button = rng.uniform(2.1, 2.9)
    outfit.opening = rng.uniform(0.1, 0.3) if rng.random() < 0.45 else 0.0
    outfit.neckline = ("round", rng.uniform(1.62, 1.75))
    outfit.dress = False
    kind = _pick(rng, "Notched", "Collarless", "Shawl Collar", "Plus Size Shawl")
    outfit.lapel = (kind, rng.uniform(0.4, 0.56) if kind == "Plus Size Shawl" else rng.uniform(0.2, 0.3))


def _coat_length(outfit: Outfit, value: str, hem: float | None, rng: np.random.Generator) -> None:
    if hem is None:  # "Invisible", which lies on no scale
        kind = _pick(rng, "cropped", "counter", "without", "without")
        if kind == "without":
            outfit.sleeve = float(rng.choice([0.0, 0.12, 0.3, 0.45]))
            outfit.dress = rng.random() < 0.4
            return
        _put_on_coat(outfit, rng.uniform(3.9, 6.0), rng)
        outfit.frame = _bust(rng)
        if kind == "cropped":
            outfit.frame = (rng.uniform(-0.4, 0.5), rng.uniform(2.5, 2.85))
            return
        outfit.frame = (rng.uniform(-0.5, 0.3), rng.uniform(3.6, 4.6))
        outfit.hiding = "counter"
        return
    _put_on_coat(outfit, hem, rng)
    outfit.top_hem = min(outfit.top_hem, hem - 0.12)
    if outfit.lower == "skirt" and abs(outfit.lower_hem - hem) < 0.5:
        # The two hems would merge into one.
        outfit.lower_hem = hem + 0.6 if hem < 5.5 else hem - 0.7


def _pant_length(outfit: Outfit, value: str, hem: float | None, rng: np.random.Generator) -> None:
    outfit.frame = _legs(rng) if rng.random() < 0.6 else _full(rng)
    if hem is None:
        if rng.random() < 0.35:
            outfit.frame = _bust(rng)
        outfit.lower = "skirt"
        outfit.dress = rng.random() < 0.5
        return
    outfit.lower, outfit.lower_hem = "trousers", hem


def _skirt_length(outfit: Outfit, value: str, hem: float | None, rng: np.random.Generator) -> None:
    outfit.frame = _legs(rng) if rng.random() < 0.6 else _full(rng)
    if hem is None:
        if rng.random() < 0.35:
            outfit.frame = _bust(rng)
        outfit.lower = "trousers"
        return
    outfit.lower, outfit.lower_hem = "skirt", hem
    outfit.dress = rng.random() < 0.4
    if value == "Floor Length":
        outfit.flare = max(outfit.flare, 0.1)


def _sleeve_length(outfit: Outfit, value: str, end: float | None, rng: np.random.Generator) -> None:
    outfit.frame = (rng.uniform(-0.1, 1.1), rng.uniform(4.95, 5.3))
    outfit.dress = outfit.lower == "skirt" and rng.random() < 0.4
    if end is None:
        match _pick(rng, "cape", "close", "legs"):
            case "cape":
                outfit.hiding = "cape"
            case "close":
                top = rng.uniform(0.5, 0.9)
                outfit.frame = (top, top + 1.35)
                outfit.sleeve = float(rng.choice([0.3, 0.7, 1.0]))
            case "legs":
                outfit.frame = (rng.uniform(4.85, 5.0), rng.uniform(8.3, 8.8))
        return
    outfit.sleeve = 0.0 if value == "Sleeveless" else end


def _collar_design(outfit: Outfit, value: str, reach: float | None, rng: np.random.Generator) -> None:
    if value == "Invisible":
        _hide_neck(outfit, rng, lambda: None)
        if outfit.hiding or outfit.turned:
            outfit.collar = (_pick(rng, "Shirt Collar", "Peter Pan"), 0.5)
            outfit.neckline = ("closed", 1.5)
        return
    outfit.frame = _bust(rng)
    outfit.neckline = ("closed", 1.5)
    outfit.collar = (value, reach or 0.5)
    if outfit.sleeve == 0.0 and value == "Rib Collar":
        outfit.sleeve = 1.0


def _lapel_design(outfit: Outfit, value: str, width: float | None, rng: np.random.Generator) -> None:
    def without() -> None:
        outfit.coat_hem = (None, 4.2)[int(rng.integers(2))]
        outfit.buttoned_up = True
        outfit.lapel = None

    _put_on_coat(outfit, rng.uniform(3.6, 5.5), rng)
    outfit.frame = _bust(rng)
    if value == "Invisible":
        _hide_neck(outfit, rng, without)
        if outfit.hiding:
            # Small lapels, so that nothing of them looks out below the scarf.
            outfit.lapel, outfit.coat_button = (_pick(rng, "Notched", "Shawl Collar"), 0.24), rng.uniform(1.9, 2.1)
        return
    outfit.lapel = (value, width or 0.26)
    outfit.coat_button = rng.uniform(2.45, 2.95)


def _neck_design(outfit: Outfit, value: str, top: float | None, rng: np.random.Generator) -> None:
    if value == "Invisible":
        _hide_neck(outfit, rng, lambda: None)
        if outfit.hiding or outfit.turned:
            outfit.band, outfit.neckline = ("Turtle Neck", 1.05), ("closed", 1.5)
        return
    outfit.frame = _bust(rng)
    outfit.neckline = ("closed", 1.5)
    outfit.band = (value, top or 1.15)


_NECKLINES = {
    "Strapless Neck": ("strapless", (2.0, 2.1)),
    "Straight Neck": ("straight", (1.54, 1.6)),
    "Square Neckline": ("square", (1.85, 2.08)),
    "Off Shoulder": ("off", (1.85, 1.95)),
    "Round Neckline": ("round", (1.66, 1.9)),
    "Sweat Heart Neck": ("heart", (2.12, 2.28)),
    "One Shoulder Neckline": ("one", (1.7, 1.7)),
}


def _neckline_design(outfit: Outfit, value: str, depth: float | None, rng: np.random.Generator) -> None:
    def without() -> None:
        outfit.neckline = ("closed", 1.5)
        if rng.random() < 0.5:
            outfit.band = (_pick(rng, "Turtle Neck", "Low Turtle Neck"), rng.uniform(1.05, 1.25))
        else:
            outfit.collar = ("Shirt Collar", 0.5)

    outfit.dress = outfit.lower == "skirt"
    if value == "Invisible":
        _hide_neck(outfit, rng, without)
        return
    outfit.frame = _bust(rng)
    if depth is not None:
        outfit.neckline = ("v", depth)
        return
    kind, (shallow, deep) = _NECKLINES[value]
    outfit.neckline = (kind, rng.uniform(shallow, deep))


_CHOOSERS: dict[str, Callable[[Outfit, str, float | None, np.random.Generator], None]] = {
    "coat_length": _coat_length,
    "collar_design": _collar_design,
    "lapel_design": _lapel_design,
    "neck_design": _neck_design,
    "neckline_design": _neckline_design,
    "pant_length": _pant_length,
    "skirt_length": _skirt_length,
    "sleeve_length": _sleeve_length,
}
