"""Draws an outfit on a figure, layer by layer, from the legs to what hides the neck."""

from __future__ import annotations

import numpy as np

from mtlzoo.data.attributes import FASHIONAI_ATTRIBUTES
from mtlzoo.data.synthetic.canvas import Camera, Canvas, mirrored, smooth
from mtlzoo.data.synthetic.fabric import Fabric, choose_fabric, darker, garment_colour
from mtlzoo.data.synthetic.figure import (
    Figure,
    draw_arms,
    draw_body,
    draw_hair_behind,
    draw_hair_in_front,
    draw_head,
)
from mtlzoo.data.synthetic.garments import (
    draw_coat,
    draw_off_shoulder_band,
    draw_skirt,
    draw_sleeves,
    draw_top,
    draw_trousers,
)
from mtlzoo.data.synthetic.necks import draw_collar, draw_lapels, draw_neck_band, draw_scarf
from mtlzoo.data.synthetic.outfits import Outfit, choose_outfit
from mtlzoo.data.synthetic.scales import neighbours
from mtlzoo.data.synthetic.scene import SUPERSAMPLING, background, develop

__all__ = ["draw_garment"]


def draw_garment(
    attribute: str, value: str, rng: np.random.Generator, size: tuple[int, int], maybe: str | None = None
) -> np.ndarray:
    """Draws a photograph of somebody who wears a garment with a given attribute value.

    Args:
        attribute: a key of `FASHIONAI_ATTRIBUTES`, for instance `"sleeve_length"`.
        value: one of that attribute's values. `"Invisible"` gives a picture in which the attribute cannot be seen.
        rng: all chance comes from here; the same state draws the same picture.
        size: `(height, width)` in pixels.
        maybe: a neighbouring value; the drawing is then nearly that one, as a hem just above the knee is.

    Returns:
        uint8 array of shape `(height, width, 3)`, RGB.

    Raises:
        ValueError: if attribute, value or size is none, or `maybe` is no neighbour of `value`.

    Example:

    ```python
    import numpy as np
    from mtlzoo.data.synthetic import draw_garment

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
    _wear(canvas, figure, outfit, rng)
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


def _wear(canvas: Canvas, figure: Figure, outfit: Outfit, rng: np.random.Generator) -> None:
    wall = tuple(canvas.image[::16, ::16].reshape(-1, 3).mean(axis=0))

    def fabric(*against: tuple, patterned: float = 0.4) -> Fabric:
        return choose_fabric(rng, canvas.camera.unit, (figure.skin, wall, *against), patterned)

    top = fabric()
    lower = top if outfit.dress else fabric(top.colour, figure.shoes)
    trim = darker(top.colour, 0.7) if rng.random() < 0.7 else garment_colour(rng)
    draw_body(canvas, figure)

    # === Lower half ===
    if outfit.lower == "trousers":
        draw_trousers(canvas, figure, lower, outfit.lower_hem, rng.uniform(0.05, 0.2), rng.uniform(0.0, 0.08))
    kind, depth = outfit.neckline
    if figure.turned:
        kind, depth = "straight", 1.5
    sleeveless = outfit.sleeve == 0.0 and outfit.coat_hem is None
    skirt = (lower, outfit.lower_hem, outfit.flare, int(rng.choice([0, 0, 7, 11])))
    if outfit.lower == "skirt" and not outfit.dress:
        draw_skirt(canvas, *skirt)

    # === Upper half ===
    hem, boxy = (3.12, 0.0) if outfit.dress else (outfit.top_hem, outfit.boxy)
    draw_top(canvas, top, kind, depth, hem, sleeveless, boxy, trim, tucked=outfit.dress)
    if outfit.dress:
        draw_skirt(canvas, *skirt)
    outer = top
    if outfit.coat_hem is not None:
        outer = fabric(top.colour, lower.colour, patterned=0.25)
        draw_coat(
            canvas,
            outer,
            outfit.coat_hem,
            outfit.coat_button,
            0.0 if outfit.buttoned_up or figure.turned else outfit.opening,
            outfit.boxy,
            outfit.flare,
            belt=rng.random() < 0.25,
            closed_neck=outfit.buttoned_up,
            back=figure.turned,
        )
    sleeve = 0.0 if kind in ("off", "strapless", "heart") and outfit.coat_hem is None else outfit.sleeve
    if kind == "one":
        sleeve = sleeve or 0.1
    draw_arms(canvas, figure, (sleeve, 0.0 if kind == "one" else sleeve))
    if kind == "off":
        draw_off_shoulder_band(canvas, figure, top, depth, outfit.sleeve, trim)
    elif kind == "one":
        draw_sleeves(canvas, figure, top, sleeve, outfit.sleeve_ease, sides=(0,))
    elif sleeve > 0:
        draw_sleeves(canvas, figure, outer, sleeve, outfit.sleeve_ease, rng.choice([0.0, 0.0, 0.05, 0.1]))

    # === Neck ===
    if not figure.turned:
        if outfit.band:
            draw_neck_band(canvas, *outfit.band, top, rng)
        if outfit.collar:
            collar = top if rng.random() < 0.45 else fabric(top.colour, patterned=0.0)
            draw_collar(canvas, *outfit.collar, collar, rng)
        if outfit.lapel and outfit.coat_hem is not None:
            draw_lapels(canvas, *outfit.lapel, min(outfit.coat_button, outfit.coat_hem - 0.15), outer)
    if outfit.hiding == "hair":
        draw_hair_in_front(canvas, figure, rng)
    draw_head(canvas, figure)

    # === What hides ===
    if figure.turned:
        draw_hair_behind(canvas, figure, rng)
    match outfit.hiding:
        case "scarf":
            draw_scarf(canvas, fabric(outer.colour), rng)
        case "cape":
            hem = rng.uniform(4.4, 4.8)
            half = smooth([(0, 1.66), (0.16, 1.58), (0.27, 1.32), (0.75, 1.48), (1.12, 2.1), (1.28, 3.2), (1.32, hem - 0.2), (0.7, hem), (0, hem + 0.05)])
            canvas.fill(np.concatenate([half, mirrored(half)]), fabric(outer.colour))
        case "counter":
            edge = rng.uniform(2.6, 3.1)
            colour = tuple(0.6 * channel for channel in garment_colour(rng))
            canvas.fill(np.array([(-9, edge), (9, edge), (9, 9), (-9, 9)]), colour, shade=0.1)
            canvas.fill(np.array([(-9, edge), (9, edge), (9, edge + 0.14), (-9, edge + 0.14)]), darker(colour, 1.4), shade=0)
