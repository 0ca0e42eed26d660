"""A drawing of a multi-task model: its parts and how they are connected, not its hundreds of layers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Circle, FancyArrowPatch, FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path

from mtlzoo.plotting import style

if TYPE_CHECKING:
    from mtlzoo.models import MultiTaskModel

KIND_COLORS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE, style.AMBER, style.SKY, style.INK)
MARGIN, HEADER = 0.25, 0.8  # inches, here and below
IMAGE, BOX_WIDTH, BACKBONE_WIDTH, HEAD_WIDTH = 0.85, 1.3, 2.1, 3.5
GAP = 0.36  # between two parts
HEAD_HEIGHT, HEAD_GAP = 0.5, 0.12
BACKBONE_BLOCKS, BLOCK_HEIGHT = 5, 1.7


class Parts(NamedTuple):
    """What is drawn; `None` for layers that the model does not list."""

    preprocessing: list[str] | None
    shared: list[str] | None
    features: int
    head_layers: dict[str, list[Any]]


class DrawnHead(NamedTuple):
    """A head as it is drawn: with its layers, its output's shape as a text, and the colour of its kind."""

    name: str
    head: Any
    layers: Sequence[Any]
    shape: str
    color: str


def plot_model(model: MultiTaskModel, path: str | os.PathLike[str] | None = None, *, overwrite: bool = False) -> Figure:
    """Draw a model from left to right: input, preprocessing, backbone, pooling, heads.

    Each part is shown with its shape and its number of parameters. A padlock marks what is frozen. The blocks of the
    backbone stand for equal numbers of layers with weights, and those frozen are hatched: a backbone frozen up to some
    layer is hatched up to there.

    Args:
        model: The model; its weights are not touched.
        path: Where to save the figure as PNG. Default: not saved.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`. It grows with the number of heads, and is made for 1 to 20 of them.

    Example:

    ```python
    import mtlzoo as mtl

    from mtlzoo.plotting import plot_model

    model = mtl.build("mobilenet", {"coat_length": 8, "collar_design": 5}, input_shape=(96, 96, 3), weights=None)
    figure = plot_model(model)
    ```
    """
    parts = _parts(model)
    shapes = model.output_shape
    if not isinstance(shapes, Mapping):  # Keras gives dictionary outputs' shapes as a list without the names
        shapes = {name: output.shape for name, output in model.output.items()}
    height = HEADER + max(len(model.heads) * (HEAD_HEIGHT + HEAD_GAP), 2.9) + MARGIN
    fan = min(0.7 + 0.03 * len(model.heads), 1.3)
    heads_left = MARGIN + IMAGE + GAP + BOX_WIDTH + GAP + BACKBONE_WIDTH + GAP + BOX_WIDTH + fan
    figure = style.new_figure(heads_left + HEAD_WIDTH + MARGIN, height)
    canvas = style.add_canvas(figure)
    canvas.set_aspect("equal")
    middle = MARGIN + (height - HEADER - MARGIN) / 2

    style.write(canvas, MARGIN, height - 0.3, model.name, style.TITLE_SIZE, weight="bold")
    total = f"{style.compact(model.count_params())} parameters, {len(model.heads)} head{'s' * (len(model.heads) != 1)}"
    style.write(canvas, MARGIN, height - 0.56, total, color=style.MUTED)

    x = MARGIN
    _draw_image(canvas, x, middle, _shape(model.input_shape))
    x = _draw_arrow(canvas, x + IMAGE, middle)
    _draw_box(canvas, x, middle, "preprocessing", _layer_lines(parts.preprocessing, "none needed"))
    x = _draw_arrow(canvas, x + BOX_WIDTH, middle)
    _draw_backbone(canvas, x, middle, model.backbone)
    x = _draw_arrow(canvas, x + BACKBONE_WIDTH, middle)
    _draw_box(canvas, x, middle, "pooling", _layer_lines(parts.shared, "in the backbone"), f"{parts.features} features")
    x += BOX_WIDTH

    kinds = list(dict.fromkeys(type(head).__name__ for head in model.heads.values()))
    top = middle + (len(model.heads) * (HEAD_HEIGHT + HEAD_GAP) - HEAD_GAP) / 2
    for index, (name, head) in enumerate(model.heads.items()):
        y = top - HEAD_HEIGHT / 2 - index * (HEAD_HEIGHT + HEAD_GAP)
        color = KIND_COLORS[kinds.index(type(head).__name__) % len(KIND_COLORS)]
        curve = [(x, middle), (x + 0.6 * fan, middle), (x + 0.4 * fan, y), (heads_left, y)]
        path_of_curve = Path(curve, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
        canvas.add_patch(PathPatch(path_of_curve, facecolor="none", edgecolor=style.MUTED, linewidth=0.9, zorder=1))
        drawn = DrawnHead(name, head, parts.head_layers[name], _shape(shapes[name]), color)
        _draw_head(canvas, heads_left, y, drawn)
    return style.finish(figure, path, overwrite)


def _parts(model: Any) -> Parts:
    from mtlzoo.models.head_layers import output_layer, owners_of  # loads Keras, which loads pyplot

    inner = {id(layer) for layer in [model.backbone, *model.backbone.layers]}
    layers = [layer for layer in getattr(model, "layers", []) if type(layer).__name__ != "InputLayer"]
    head_layers: dict[str, list[Any]] = {name: [] for name in model.heads}
    preprocessing: list[str] = []
    shared: list[str] = []
    met_backbone = False
    features = model.backbone.output_shape[-1]
    for layer in layers:
        owners = owners_of(model, layer)
        if id(layer) in inner:
            met_backbone = True
        elif owners:
            for owner in owners:
                head_layers[owner].append(layer)
        else:
            (shared if met_backbone else preprocessing).append(type(layer).__name__)
            if met_backbone and hasattr(layer, "output"):
                features = layer.output.shape[-1]
    if not layers:
        return Parts(None, None, features, {name: [output_layer(model, name)] for name in model.heads})
    return Parts(preprocessing, shared, features, head_layers)


def _layer_lines(names: Sequence[str] | None, otherwise: str) -> list[str]:
    """Spell out class names: `GlobalAveragePooling2D` becomes "global average"."""
    if names is None:
        return []
    words = [
        re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).removesuffix("2D").removesuffix(" Pooling").lower() for name in names
    ]
    return list(dict.fromkeys(words)) or [otherwise]


def _weighted(layers: Sequence[Any]) -> list[Any]:
    return [layer for layer in layers if getattr(layer, "weights", True)]


def _shape(shape: Sequence[int | None]) -> str:
    return "\N{MULTIPLICATION SIGN}".join("?" if size is None else str(size) for size in shape[1:])


def _percent(fraction: float) -> str:
    return "under 1%" if fraction < 0.01 else f"{fraction:.0%}"


def _draw_arrow(canvas: Axes, x: float, y: float) -> float:
    arrow: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 9, "shrinkA": 0, "shrinkB": 0}
    canvas.add_patch(FancyArrowPatch((x + 0.06, y), (x + GAP - 0.06, y), color=style.MUTED, linewidth=1.1, **arrow))
    return x + GAP


def _draw_image(canvas: Axes, x: float, middle: float, shape: str) -> None:
    bottom = middle - IMAGE / 2
    frame = Rectangle((x, bottom), IMAGE, IMAGE, facecolor=style.SURFACE, edgecolor=style.MUTED, linewidth=1.0)
    canvas.add_patch(frame)
    hills = [(0, 0), (0, 0.35), (0.3, 0.68), (0.52, 0.42), (0.7, 0.6), (1, 0.28), (1, 0)]
    canvas.add_patch(Polygon([(x + IMAGE * u, bottom + IMAGE * v) for u, v in hills], facecolor=style.LINE))
    canvas.add_patch(Circle((x + 0.74 * IMAGE, bottom + 0.78 * IMAGE), 0.075, facecolor=style.AMBER))
    style.write(canvas, x + IMAGE / 2, bottom - 0.17, "image", weight="bold", ha="center")
    style.write(canvas, x + IMAGE / 2, bottom - 0.36, shape, style.SMALL_SIZE, style.MUTED, ha="center")


def _draw_box(canvas: Axes, x: float, middle: float, title: str, lines: Sequence[str], caption: str = "") -> None:
    lines = [piece for line in lines for piece in style.wrap(line, BOX_WIDTH - 0.2, style.SMALL_SIZE)]
    height = 0.42 + 0.18 * len(lines)
    box = FancyBboxPatch((x, middle - height / 2), BOX_WIDTH, height, boxstyle="round,pad=0,rounding_size=0.08")
    box.set(facecolor=style.SURFACE, edgecolor=style.LINE, linewidth=1.0)
    canvas.add_patch(box)
    y = middle + height / 2 - 0.21
    style.write(canvas, x + BOX_WIDTH / 2, y, title, weight="bold", ha="center")
    for number, line in enumerate(lines):
        y = middle + height / 2 - 0.41 - 0.18 * number
        style.write(canvas, x + BOX_WIDTH / 2, y, line, style.SMALL_SIZE, style.MUTED, ha="center")
    y = middle - height / 2 - 0.17
    style.write(canvas, x + BOX_WIDTH / 2, y, caption, style.SMALL_SIZE, style.MUTED, ha="center")


def _draw_backbone(canvas: Axes, x: float, middle: float, backbone: Any) -> None:
    parts = _backbone_layers(backbone)
    layers = _weighted(parts)
    frozen = [not (backbone.trainable and layer.trainable) for layer in layers]
    half_height = BLOCK_HEIGHT / 2
    left = x
    for block in range(BACKBONE_BLOCKS):
        start, stop = (len(layers) * edge // BACKBONE_BLOCKS for edge in (block, block + 1))
        of_block = frozen[start : max(stop, start + 1)] or [not backbone.trainable]
        is_frozen = 2 * sum(of_block) > len(of_block)
        # As in a convolutional network: maps become smaller, channels more.
        half = half_height * 0.78**block
        width = (BACKBONE_WIDTH - 0.08 * (BACKBONE_BLOCKS - 1)) * (0.12 + 0.04 * block)
        box = FancyBboxPatch((left, middle - half), width, 2 * half, boxstyle="round,pad=0,rounding_size=0.05")
        if is_frozen:
            box.set(facecolor=style.SURFACE, edgecolor=style.HATCH, hatch="////")
        else:
            box.set(facecolor=style.BLUE, edgecolor=style.BLUE)
        canvas.add_patch(box)
        left += width + 0.08
    center, y = x + BACKBONE_WIDTH / 2, middle - half_height - 0.2
    name = style.shorten(backbone.name, BACKBONE_WIDTH + GAP, weight="bold")
    style.write(canvas, center, y, name, weight="bold", ha="center")
    lines = [
        f"{style.compact(backbone.count_params())} parameters",
        f"{len(parts)} layers, to {_shape(backbone.output_shape)}",
    ]
    for number, line in enumerate(lines, start=1):
        style.write(canvas, center, y - 0.19 * number, line, style.SMALL_SIZE, style.MUTED, ha="center")
    if any(frozen) or not backbone.trainable:
        count = sum(layer.count_params() for layer, is_frozen in zip(layers, frozen, strict=True) if is_frozen)
        note = "frozen" if all(frozen) else f"frozen: {_percent(count / backbone.count_params())} of the parameters"
        y = middle + half_height + 0.17
        _draw_padlock(canvas, x + 0.06, y)
        style.write(canvas, x + 0.2, y, note, style.SMALL_SIZE, style.MUTED)


def _backbone_layers(backbone: Any) -> list[Any]:
    """The layers that are frozen singly, also those of networks and blocks inside; its own if it is no Keras model."""
    if not hasattr(backbone, "operations"):
        return list(backbone.layers)
    from mtlzoo.models.freezing import leaf_layers  # loads Keras, which loads pyplot

    return list(leaf_layers(backbone))


def _draw_head(canvas: Axes, x: float, y: float, drawn: DrawnHead) -> None:
    weighted = _weighted(drawn.layers)
    frozen = bool(weighted) and not any(layer.trainable for layer in weighted)
    bottom = y - HEAD_HEIGHT / 2
    box = Rectangle((x, bottom), HEAD_WIDTH, HEAD_HEIGHT, facecolor=style.SURFACE, edgecolor=style.LINE, linewidth=0.8)
    canvas.add_patch(box)
    bar = Rectangle((x, bottom), 0.09, HEAD_HEIGHT, facecolor=drawn.color)
    canvas.add_patch(bar)
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(drawn.head).__name__.removesuffix("Head")).lower()
    count = style.compact(sum(layer.count_params() for layer in drawn.layers)) + " parameters"
    outputs = "1 output" if drawn.shape == "1" else f"{drawn.shape} outputs"
    right = x + HEAD_WIDTH - 0.12
    upper, lower = y + 0.105, y - 0.105
    room = HEAD_WIDTH - 0.4
    title = style.shorten(drawn.name, room - style.text_width(outputs, style.SMALL_SIZE) - 0.2, weight="bold")
    style.write(canvas, x + 0.2, upper, title, weight="bold")
    detail_room = room - style.text_width(count, style.SMALL_SIZE)
    detail = style.shorten(f"{kind}: {drawn.head.describe()}", detail_room, style.SMALL_SIZE)
    style.write(canvas, x + 0.2, lower, detail, style.SMALL_SIZE, style.MUTED)
    style.write(canvas, right, upper, outputs, style.SMALL_SIZE, style.MUTED, ha="right")
    style.write(canvas, right, lower, count, style.SMALL_SIZE, style.MUTED, ha="right")
    if frozen:
        _draw_padlock(canvas, x + 0.2 + style.text_width(title, weight="bold") + 0.15, upper)


def _draw_padlock(canvas: Axes, x: float, y: float) -> None:
    canvas.add_patch(Rectangle((x - 0.055, y - 0.065), 0.11, 0.085, facecolor=style.MUTED, linewidth=0))
    canvas.add_patch(Arc((x, y + 0.02), 0.07, 0.1, theta1=0, theta2=180, color=style.MUTED, linewidth=1.1))
