"""Points and boxes on an image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from mtlzoo.plotting import style

SHAPES = {"points": "(n, 2)", "box": "(4,)"}
ROLES = ("true", "predicted")
# One look for each role and verdict. The green of what is true is brighter than the text's, which dark images swallow.
COLORS = {
    ("true", None): "#2BE39B",
    ("predicted", True): style.GREEN,
    ("predicted", False): style.ORANGE,
    ("predicted", None): style.BLUE,
}
NAMES = dict(zip(COLORS, ["true", "predicted, right", "predicted, wrong", "predicted"], strict=True))
MANY_POINTS = 12  # from here on they are drawn smaller
DOT, BOX, ROOM = 0.2, 0.36, 0.2  # inches, in the legend
LINE_HEIGHT, ABOVE = 0.2, 0.1

Look = tuple[str, bool | None]


@dataclass(frozen=True, eq=False)
class Annotation:
    """Points or a box to be drawn on an image, in its own pixels: (0, 0) is the centre of the upper left one.

    Attributes:
        coordinates: Points `(n, 2)` as (x, y), of which those with a `NaN` are not drawn; or a box `(4,)` as x_min, y_min,
            x_max, y_max, not drawn if there is a `NaN`.
        kind: `"points"` or `"box"`.
        role: `"true"` (hollow rings, a dashed line) or `"predicted"` (dots, a solid line).
        verdict: Whether what was predicted is right; `None`: not known.

    Raises:
        ValueError: If the coordinates have another shape, or kind or role is invalid.

    Example:

    ```python
    import numpy as np

    from mtlzoo.plotting import Annotation

    eyes = np.array([[12.0, 20.0], [28.0, 20.0]])
    predicted = [Annotation(eyes + 1, verdict=True), Annotation(np.array([4, 6, 36, 44]), "box")]
    annotations = [Annotation(eyes, role="true"), *predicted]
    ```
    """

    coordinates: np.ndarray
    kind: str = "points"
    role: str = "predicted"
    verdict: bool | None = None

    def __post_init__(self) -> None:
        if self.kind not in SHAPES or self.role not in ROLES:
            raise ValueError(
                f"Expected `kind` to be one of {', '.join(SHAPES)} and `role` one of {', '.join(ROLES)}, received: "
                f"{self.kind!r} and {self.role!r}."
            )
        coordinates = np.asarray(self.coordinates, float)
        right = coordinates.shape == (4,) if self.kind == "box" else coordinates.ndim == 2 and coordinates.shape[1] == 2
        if not right:
            raise ValueError(f"Expected {self.kind} of shape {SHAPES[self.kind]}, received: {coordinates.shape}.")
        object.__setattr__(self, "coordinates", coordinates)
        object.__setattr__(self, "verdict", None if self.verdict is None else bool(self.verdict))

    @property
    def look(self) -> Look:
        """What the colour depends on."""
        return (self.role, None if self.role == "true" else self.verdict)


def draw_annotations(canvas: Axes, annotations: Iterable[Annotation], frame: Rectangle, size: tuple[int, int]) -> None:
    """Draw points and boxes on an image; what lies outside of it is cut off.

    Args:
        canvas: Where the image lies.
        annotations: The points and boxes.
        frame: The image's outline, a patch of the canvas.
        size: Height and width of the image in pixels.
    """
    left, top = frame.get_x(), frame.get_y() + frame.get_height()
    steps = np.array([frame.get_width() / size[1], -frame.get_height() / size[0]])
    for annotation in annotations:
        xy = np.array([left, top]) + (annotation.coordinates.reshape(-1, 2) + 0.5) * steps
        known = np.isfinite(xy).all(axis=-1)
        if annotation.kind == "points":
            drawn = canvas.plot(*xy[known].T, zorder=4, **_point(annotation.look, len(xy)))
        elif known.all():
            (x, y), (other_x, other_y) = xy
            drawn = canvas.plot(
                [x, other_x, other_x, x, x], [y, y, other_y, other_y, y], zorder=3, **_line(annotation.look)
            )
        else:
            continue
        drawn[0].set_clip_path(frame)


# === Legend ===


class Entry(NamedTuple):
    """What the legend says of one look: its forms and its name."""

    look: Look
    kinds: list[str]

    @property
    def width(self) -> float:
        """Inches."""
        forms = DOT * ("points" in self.kinds) + BOX * ("box" in self.kinds)
        return forms + style.text_width(NAMES[self.look], style.SMALL_SIZE) + ROOM


def legend_lines(annotations: Iterable[Annotation], width: float) -> list[list[Entry]]:
    """The entries that these annotations need, in lines of at most `width` inches."""
    annotations = list(annotations)
    lines: list[list[Entry]] = []
    for look in COLORS:
        kinds = sorted({annotation.kind for annotation in annotations if annotation.look == look})
        if kinds:
            entry = Entry(look, kinds)
            if not lines or sum(other.width for other in lines[-1]) + entry.width > width + ROOM:
                lines.append([])
            lines[-1].append(entry)
    return lines


def legend_height(lines: list[list[Entry]]) -> float:
    """The room in inches that a legend of so many lines needs; none without any."""
    return ABOVE + LINE_HEIGHT * len(lines) if lines else 0.0


def draw_legend(canvas: Axes, lines: list[list[Entry]], left: float, top: float) -> None:
    """Draw the lines of a legend, downwards."""
    for number, line in enumerate(lines):
        x, y = left, top - ABOVE - (number + 0.5) * LINE_HEIGHT
        for entry in line:
            start = x
            if "points" in entry.kinds:
                canvas.plot([x + 0.06], [y], **_point(entry.look))
                x += DOT
            if "box" in entry.kinds:
                canvas.plot([x, x + BOX - 0.1], [y, y], **_line(entry.look))
                x += BOX
            style.write(canvas, x, y, NAMES[entry.look], style.SMALL_SIZE, style.MUTED)
            x = start + entry.width


# === Looks ===


def _point(look: Look, points: int = 1) -> dict[str, Any]:
    scale = max(0.6, min(1.0, (MANY_POINTS / max(points, 1)) ** 0.5))
    if look[0] == "true":
        form = {"markerfacecolor": "none", "markeredgecolor": COLORS[look], "markersize": 7.5 * scale}
        return {"linestyle": "none", "marker": "o", "markeredgewidth": 1.3, "path_effects": _halo(style.INK), **form}
    form = {"markerfacecolor": COLORS[look], "markeredgecolor": "white", "markersize": 5.0 * scale}
    return {"linestyle": "none", "marker": "o", "markeredgewidth": 0.8 * scale, **form}


def _line(look: Look) -> dict[str, Any]:
    if look[0] == "true":
        return {"color": COLORS[look], "linewidth": 1.5, "linestyle": (0, (3, 2)), "path_effects": _halo(style.INK)}
    return {"color": COLORS[look], "linewidth": 1.7, "path_effects": _halo("white"), "solid_joinstyle": "miter"}


def _halo(color: str) -> list[withStroke]:
    """A thin edge, without which a line is lost on a background of its own brightness."""
    return [withStroke(linewidth=3.0, foreground=color)]
