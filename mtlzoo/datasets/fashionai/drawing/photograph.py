"""Draws an outfit on a figure, layer by layer, from the legs to what hides the neck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlzoo.datasets.drawing.canvas import Camera, Canvas
from mtlzoo.datasets.drawing.fabric import Fabric, choose_fabric, darker, garment_colour
from mtlzoo.datasets.drawing.scene import SUPERSAMPLING, background, develop
from mtlzoo.datasets.fashionai.attributes import FASHIONAI_ATTRIBUTES
from mtlzoo.datasets.fashionai.drawing.figure import (
    Figure,
    draw_arms,
    draw_body,
    draw_hair_behind,
    draw_hair_in_front,
    draw_head,
)
from mtlzoo.datasets.fashionai.drawing.garments import (
    draw_cape,
    draw_coat,
    draw_off_shoulder_band,
    draw_skirt,
    draw_sleeves,
    draw_top,
    draw_trousers,
)
from mtlzoo.datasets.fashionai.drawing.necks import draw_collar, draw_lapels, draw_neck_band, draw_scarf
from mtlzoo.datasets.fashionai.drawing.outfits import Outfit, choose_outfit
from mtlzoo.datasets.fashionai.drawing.scales import neighbours

__all__ = ["draw_garment"]


def draw_garment(
    attribute: str, value: str, rng: np.random.Generator, size: tuple[int, int], maybe: str | None = None
) -> np.ndarray:
    """Draws a photograph of somebody who wears a garment with a given attribute value.

    Args:
        attribute: a key of `FASHIONAI_ATTRIBUTES`, for instance `"sleeve_length"`.
        value: one of that attribute's values. `"Invisible"` gives an image in which the attribute cannot be seen.
        rng: all chance comes from here; the same state draws the same image.
        size: `(height, width)` in pixels.
        maybe: a neighbouring value; the drawing is then nearly that one, as a hem just above the knee is.

    Returns:
        uint8 array of shape `(height, width, 3)`, RGB.

    Raises:
        ValueError: if attribute, value or size is invalid, or `maybe` is no neighbour of `value`.

    Example:

    ```python
    import numpy as np
    from mtlzoo.datasets import draw_garment

    image = draw_garment("neckline_design", "Deep V Neckline", np.random.default_rng(0), (320, 240))
    ```
    """
    _check(attribute, value, size, maybe)
    outfit = choose_outfit(attribute, value, rng, maybe)
    figure = Figure.random(
        rng, turned=outfit.turned, alive=outfit.turned or outfit.hiding == "hair", calm=outfit.hiding == "cape"
    )
    scale = SUPERSAMPLING
    height, width = size[0] * scale, size[1] * scale
    top, bottom = outfit.frame
    room = (bottom - top) * width / height
    camera = Camera(
        (height, width),
        top,
        bottom,
        shift=rng.uniform(-0.05, 0.05) * room,
        lean=rng.uniform(-0.04, 0.04),
        sway=rng.uniform(-0.12, 0.12),
        build=rng.uniform(0.92, 1.12),
        flip=rng.random() < 0.5,
    )
    canvas = Canvas(background(camera, rng), camera, rng)
    wardrobe = Wardrobe.choose(canvas, figure, outfit, rng)
    draw_body(canvas, figure)
    _draw_clothes(canvas, figure, outfit, wardrobe, rng)
    if not figure.turned:
        _draw_neck(canvas, outfit, wardrobe, rng)
    if outfit.hiding == "hair":
        draw_hair_in_front(canvas, figure, rng)
    draw_head(canvas, figure)
    if figure.turned:
        draw_hair_behind(canvas, figure, rng)
    _draw_covering(canvas, outfit, wardrobe, rng)
    return develop(canvas, rng)


def _check(attribute: str, value: str, size: tuple[int, int], maybe: str | None) -> None:
    if attribute not in FASHIONAI_ATTRIBUTES:
        raise ValueError(f"Expected `attribute` to be one of {list(FASHIONAI_ATTRIBUTES)}, received: {attribute!r}")
    if value not in FASHIONAI_ATTRIBUTES[attribute]:
        values = list(FASHIONAI_ATTRIBUTES[attribute])
        raise ValueError(f"Expected `value` of {attribute!r} to be one of {values}, received: {value!r}")
    if len(size) != 2 or min(size) < 16:
        raise ValueError(f"Expected `size` to be (height, width), at least 16 pixels each, received: {size}")
    if maybe is not None and maybe not in neighbours(attribute, value):
        expected = list(neighbours(attribute, value))
        raise ValueError(f"Expected `maybe` to be None or a neighbour of {value!r}, {expected}, received: {maybe!r}")


@dataclass(frozen=True)
class Wardrobe:
    """The cloths of an outfit; pieces that lie on each other can be told apart by colour."""

    top: Fabric
    lower: Fabric
    outer: Fabric
    collar: Fabric
    covering: Fabric
    trim: tuple[float, ...]

    @classmethod
    def choose(cls, canvas: Canvas, figure: Figure, outfit: Outfit, rng: np.random.Generator) -> Wardrobe:
        """Chooses the cloths for an outfit, on a canvas that shows the background already."""
        wall = tuple(canvas.image[::16, ::16].reshape(-1, 3).mean(axis=0))

        def fabric(*against: Fabric, patterned: float = 0.4) -> Fabric:
            colours = [figure.skin, wall, *(other.colour for other in against)]
            return choose_fabric(rng, canvas.camera.unit, colours, patterned)

        top = fabric()
        lower = top if outfit.dress else fabric(top, Fabric(figure.shoes))
        outer = top if outfit.coat_hem is None else fabric(top, lower, patterned=0.25)
        return cls(
            top=top,
            lower=lower,
            outer=outer,
            collar=top if rng.random() < 0.45 else fabric(top, patterned=0.0),
            covering=fabric(outer),
            trim=darker(top.colour, 0.7) if rng.random() < 0.7 else garment_colour(rng),
        )


def _draw_clothes(canvas: Canvas, figure: Figure, outfit: Outfit, wardrobe: Wardrobe, rng: np.random.Generator) -> None:
    kind, depth = ("straight", 1.5) if figure.turned else outfit.neckline
    bare_shoulders = kind in ("off", "strapless", "heart") and outfit.coat_hem is None
    sleeve = 0.0 if bare_shoulders else outfit.sleeve
    if kind == "one":
        sleeve = sleeve or 0.1
    skirt = (wardrobe.lower, outfit.lower_hem, outfit.flare, int(rng.choice([0, 0, 7, 11])))

    # === Lower half and top: a skirt goes under a top, but over the bodice of a dress ===
    if outfit.lower == "trousers":
        ease, flare = rng.uniform(0.05, 0.2), rng.uniform(0.0, 0.08)
        draw_trousers(canvas, figure, wardrobe.lower, outfit.lower_hem, ease, flare)
    elif not outfit.dress:
        draw_skirt(canvas, *skirt)
    hem, boxy = (3.12, 0.0) if outfit.dress else (outfit.top_hem, outfit.boxy)
    sleeveless = sleeve == 0.0
    draw_top(canvas, wardrobe.top, kind, depth, hem, sleeveless, boxy, wardrobe.trim, tucked=outfit.dress)
    if outfit.dress:
        draw_skirt(canvas, *skirt)
    if outfit.coat_hem is not None:
        draw_coat(
            canvas,
            wardrobe.outer,
            outfit.coat_hem,
            outfit.coat_button,
            0.0 if outfit.buttoned_up else outfit.opening,
            outfit.boxy,
            outfit.flare,
            belt=rng.random() < 0.25,
            closed_neck=outfit.buttoned_up,
            back=figure.turned,
        )

    # === Arms ===
    sleeves = (sleeve, 0.0 if kind == "one" else sleeve)
    draw_arms(canvas, figure, sleeves)
    if kind == "off":
        draw_off_shoulder_band(canvas, figure, wardrobe.top, depth, outfit.sleeve, wardrobe.trim)
    elif sleeve > 0:
        draw_sleeves(canvas, figure, wardrobe.outer, sleeves, outfit.sleeve_ease, rng.choice([0.0, 0.0, 0.05, 0.1]))


def _draw_neck(canvas: Canvas, outfit: Outfit, wardrobe: Wardrobe, rng: np.random.Generator) -> None:
    if outfit.band:
        draw_neck_band(canvas, *outfit.band, wardrobe.top, rng)
    if outfit.collar:
        draw_collar(canvas, *outfit.collar, wardrobe.collar, rng)
    if outfit.lapel and outfit.coat_hem is not None:
        draw_lapels(canvas, *outfit.lapel, min(outfit.coat_button, outfit.coat_hem - 0.15), wardrobe.outer)


def _draw_covering(canvas: Canvas, outfit: Outfit, wardrobe: Wardrobe, rng: np.random.Generator) -> None:
    if outfit.hiding == "scarf":
        draw_scarf(canvas, wardrobe.covering, rng)
    elif outfit.hiding == "cape":
        draw_cape(canvas, wardrobe.covering, rng.uniform(4.4, 4.8))
    elif outfit.hiding == "counter":
        edge = rng.uniform(2.6, 3.1)
        colour = darker(garment_colour(rng), 0.6)
        canvas.fill(np.array([(-9, edge), (9, edge), (9, 9), (-9, 9)]), colour, shade=0.1)
        board = np.array([(-9, edge), (9, edge), (9, edge + 0.14), (-9, edge + 0.14)])
        canvas.fill(board, darker(colour, 1.4), shade=0)
