"""The look that all plots share: colours, text sizes, and the figure they are drawn on. Lengths are in inches."""

from __future__ import annotations

import io
import os
from typing import Any

import matplotlib.figure
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from mtlzoo.files import writing

# The hues are those of Okabe and Ito (2008), which remain apart for colour-blind readers; the three for text are
# darkened until they are legible on white.
INK = "#20262D"
MUTED = "#66707A"
LINE = "#C9CFD5"
HATCH = "#99A3AD"
SURFACE = "#F5F7F9"
BLUE = "#0072B2"
ORANGE = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
AMBER = "#E69F00"
SKY = "#56B4E9"
RIGHT = "#00704F"
WRONG = "#B84A00"
UNKNOWN = MUTED

TITLE_SIZE = 13  # points
TEXT_SIZE = 9.5
SMALL_SIZE = 8.5

PIXELS_PER_INCH = 150
POINTS_PER_INCH = 72


class Figure(matplotlib.figure.Figure):
    """A figure that a notebook shows by itself, as matplotlib's own only do when pyplot has made them."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """Return an empty white figure of `width` x `height` inches."""
    figure = Figure(figsize=(width, height), dpi=PIXELS_PER_INCH, facecolor="white")
    figure.set_layout_engine("none")  # whatever a user's matplotlib is set to
    return figure


def finish(figure: Figure, path: str | os.PathLike[str] | None, overwrite: bool) -> Figure:
    """Save the figure as PNG where a path is given, see :func:`mtlzoo.files.writing`; return the figure."""
    if path is not None:
        with writing(path, overwrite=overwrite) as temporary:
            figure.savefig(temporary, format="png", dpi=PIXELS_PER_INCH)
    return figure


def add_canvas(figure: matplotlib.figure.Figure) -> Axes:
    """Return empty axes over the whole figure whose coordinates are inches, from the lower left corner."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    return axes


def add_axes(figure: matplotlib.figure.Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return axes whose place and sides are inches, from the figure's lower left corner."""
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high))


def write(axes: Axes, x: float, y: float, text: str, size: float = TEXT_SIZE, color: str = INK, **options: Any) -> Text:
    """Write text as it is: a `$` in a class name starts no formula."""
    return axes.text(x, y, text, size=size, color=color, **{"va": "center", "parse_math": False, **options})


def text_width(text: str, size: float = TEXT_SIZE, weight: str = "normal") -> float:
    """Return the width in inches of one line of text, `size` in points."""
    font = FontProperties(size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / POINTS_PER_INCH


def compact(number: float) -> str:
    """Return a large number in few letters: 12345 as `12.3k`, 54336736 as `54.3M`."""
    for limit, divisor, unit in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(number) >= limit:
            return f"{number / divisor:.3g}{unit}"
    return f"{number:,.6g}"


def shorten(text: str, width: float, size: float = TEXT_SIZE, weight: str = "normal") -> str:
    """Cut the end of a text, marked by an ellipsis, so that it fits into `width` inches."""
    if text_width(text, size, weight) <= width:
        return text
    while text and text_width(text + "…", size, weight) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, width: float, size: float = TEXT_SIZE) -> list[str]:
    """Break a text between words into lines of at most `width` inches."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(shorten(word, width, size))
    return lines or [""]


def style_axes(axes: Axes) -> None:
    """Give a chart quiet axes: two spines, faint horizontal lines, small gray numbers."""
    axes.set_facecolor("white")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=LINE, linewidth=0.8)
    axes.grid(False)
    axes.grid(True, axis="y", color=LINE, linewidth=0.5, alpha=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelcolor=MUTED, labelsize=SMALL_SIZE, length=2.5, width=0.8)
