import subprocess
import sys
from types import SimpleNamespace

import cv2
import matplotlib.figure
import matplotlib.text
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from mtlzoo.data import LabelTable
from mtlzoo.evaluation import Predictions
from mtlzoo.heads import BinaryHead, RegressionHead
from mtlzoo.plotting import (
    Annotation,
    plot_balancing,
    plot_confusion,
    plot_groups,
    plot_history,
    plot_model,
    plot_predictions,
    plot_reliability,
    style,
)

HEADS = [
    "coat_length",
    "collar_design",
    "lapel_design",
    "neck_design",
    "neckline_design",
    "pant_length",
    "skirt_length",
]


def texts(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_visible() and text.get_text()]


def assert_inside(figure):
    """No text may run over the edge of the image."""
    figure.canvas.draw()
    width, height = figure.bbox.width, figure.bbox.height
    for text in figure.findobj(matplotlib.text.Text):
        if text.get_visible() and text.get_text() and text.axes is not None:
            box = text.get_window_extent()
            if text in text.axes.texts:
                assert -1 <= box.x0 < box.x1 <= width + 1, text.get_text()
                assert -1 <= box.y0 < box.y1 <= height + 1, text.get_text()


def assert_png(path, figure):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    size = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    np.testing.assert_allclose(size, figure.get_size_inches() * style.PIXELS_PER_INCH, atol=1)
    assert list(path.parent.iterdir()) == [path]


# === Reliability ===


def test_reliability_has_a_panel_for_each_head_with_probabilities(tmp_path, rng):
    heads = {f"{name} {'long ' * 20}": BinaryHead(["no", "yes"]) for name in "abcdefg"} | {"size": RegressionHead()}
    frame = pd.DataFrame({"image": [f"{row}.png" for row in range(40)]})
    frame = frame.assign(**{name: rng.choice(["no", "yes"], 40) for name in heads if name != "size"}, size=1.0)
    table = LabelTable(frame, heads)
    outputs = {name: rng.random((40, 1)).astype("float32") for name in heads}
    said = Predictions(outputs, heads, table=table)
    figure = plot_reliability(said, said, tmp_path / "reliability.png")
    assert_inside(figure)
    assert_png(tmp_path / "reliability.png", figure)
    assert len(figure.axes) == 1 + 7
    with pytest.raises(ValueError, match="Expected a head with probabilities of classes or tags"):
        plot_reliability(Predictions({"size": outputs["size"]}, {"size": heads["size"]}, table=table))


# === Style ===


@pytest.mark.slow
def test_no_plot_loads_pyplot_or_changes_a_setting():
    code = (
        "import sys, matplotlib, numpy as np; before = matplotlib.rcParams.copy()\n"
        "from mtlzoo.plotting import plot_confusion\n"
        "plot_confusion(np.eye(2), ['a', 'b'])._repr_png_()\n"
        "assert 'matplotlib.pyplot' not in sys.modules and matplotlib.rcParams.copy() == before"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_a_figure_shows_itself_in_a_notebook():
    figure = plot_confusion(np.eye(2), ["a", "b"])
    assert isinstance(figure, matplotlib.figure.Figure)
    assert figure._repr_png_()[:4] == b"\x89PNG"


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")

    def fail(self, target, **options):
        target.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(style.Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        plot_confusion(np.eye(2), ["a", "b"], path=path, overwrite=True)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("width", [0.3, 1.0, 2.0])
def test_shortened_and_wrapped_texts_fit(width):
    text = "neckline_design: an-extraordinarily-long-class-name, 97 percent"
    assert style.text_width(style.shorten(text, width)) <= width
    lines = style.wrap(text, width)
    assert all(style.text_width(line) <= width for line in lines)
    assert style.wrap(text, 20.0) == [text] == [style.shorten(text, 20.0)]
    assert style.shorten(text, width).endswith("…")


def test_large_numbers_are_told_in_few_letters():
    numbers = {0: "0", 0.25: "0.25", 1234: "1,234", 12345: "12.3k", 54336736: "54.3M", 2e9: "2G", -600000: "-600k"}
    assert {number: style.compact(number) for number in numbers} == numbers


# === History ===


def history(heads, epochs=(2, 3), metric="accuracy", seed=0):
    generator = np.random.default_rng(seed)
    names = ["loss", "score", *(f"{head}_{kind}" for head in heads for kind in ("loss", metric))]
    columns = {f"{prefix}{name}": generator.random(sum(epochs)) for name in names for prefix in ("", "val_")}
    stages = np.repeat(np.arange(1, len(epochs) + 1), epochs)
    return pd.DataFrame({"epoch": np.arange(1, sum(epochs) + 1), "stage": stages, **columns})


def charts(figure):
    """The panels by their titles, without the canvas of the header."""
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}


@pytest.mark.parametrize("heads", [1, 2, 3, 4, 5, 7, 8, 10, pytest.param(32, marks=pytest.mark.slow)])
def test_a_history_has_a_panel_for_each_head(heads, tmp_path):
    names = [f"head_{number}" for number in range(heads)]
    figure = plot_history(history(names), tmp_path / "history.png")
    assert list(charts(figure)) == ["loss", "score", *names]
    assert_png(tmp_path / "history.png", figure)
    boxes = [axes.get_position() for axes in charts(figure).values()]
    for number, box in enumerate(boxes):
        assert 0 < box.x0 < box.x1 < 1
        assert 0 < box.y0 < box.y1 < 1
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_a_panel_draws_training_and_validation_and_tells_the_last_value():
    frame = history(["age"], metric="mae")
    axes = charts(plot_history(frame))["age"]
    lines = {line.get_color(): line.get_xydata() for line in axes.get_lines() if len(line.get_xdata()) == len(frame)}
    np.testing.assert_allclose(lines[style.AMBER], frame[["epoch", "age_mae"]])
    np.testing.assert_allclose(lines[style.BLUE], frame[["epoch", "val_age_mae"]])
    assert axes.get_title(loc="right") == f"{frame['val_age_mae'].iloc[-1]:.3g}"
    assert axes.get_ylabel() == "mae"


def test_a_stage_begins_at_a_line_between_two_epochs():
    figure = plot_history(history(["a", "b"], epochs=(2, 3, 4)))
    for axes in charts(figure).values():
        assert [line.get_xdata()[0] for line in axes.get_lines() if len(line.get_xdata()) == 2] == [2.5, 5.5]
    assert texts(figure).count("stage 2") == 2
    assert "stage 1" not in texts(plot_history(history(["a", "b"], epochs=(5,))))


def test_a_stage_too_short_for_its_name_goes_without():
    written = texts(plot_history(history(["a", "b"], epochs=(1, 80))))
    assert "stage 1" not in written
    assert "stage 2" in written


def test_a_head_owns_the_columns_of_the_longest_name_that_fits():
    frame = history(["coat", "coat_length"]).drop(columns=["coat_accuracy", "val_coat_accuracy"]).assign(coat_f1=0.5)
    panels = charts(plot_history(frame))
    assert panels["coat"].get_ylabel() == "f1"
    assert panels["coat_length"].get_title(loc="right") == f"{frame['val_coat_length_accuracy'].iloc[-1]:.3g}"


def test_the_metric_can_be_chosen_and_the_loss_stands_in():
    frame = history(["a", "b"]).assign(a_f1=0.5).drop(columns=["b_accuracy", "val_b_accuracy"])
    panels = charts(plot_history(frame, metrics={"a": "f1"}))
    assert panels["a"].get_ylabel() == "f1"
    assert panels["b"].get_ylabel() == "loss"
    with pytest.raises(ValueError, match=r"'a': 'auc'"):
        plot_history(frame, metrics={"a": "auc"})
    with pytest.raises(ValueError, match=r"'c': 'f1'"):
        plot_history(frame, metrics={"c": "f1"})


def test_panels_of_one_metric_have_one_scale():
    frame = (
        history(["a", "b", "c"])
        .assign(c_loss=0.0)
        .rename(columns={"c_accuracy": "c_mae", "val_c_accuracy": "val_c_mae"})
    )
    panels = charts(plot_history(frame.assign(c_mae=50.0)))
    assert panels["a"].get_ylim() == panels["b"].get_ylim()
    assert panels["c"].get_ylim()[1] > 40 > panels["a"].get_ylim()[1]


def test_a_history_may_have_gaps():
    frame = history(["a", "b"], epochs=(4,)).drop(columns=["score", "val_score", "stage", "val_b_accuracy"])
    frame.loc[1:2, "val_a_accuracy"] = np.nan
    frame["b_accuracy"] = np.nan
    panels = charts(plot_history(frame))
    assert list(panels) == ["loss", "a", "b"]
    assert panels["a"].get_lines()[1].get_xdata().tolist() == [1, 4]
    assert not panels["b"].get_lines()


def test_epochs_that_start_again_are_numbered_through():
    frame = history(["a"]).assign(epoch=[1, 2, 1, 2, 3])
    assert charts(plot_history(frame))["loss"].get_lines()[0].get_xdata().tolist() == [1, 2, 3, 4, 5]


def test_a_history_with_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="0 rows"):
        plot_history(history(["a"]).iloc[:0])
    with pytest.raises(ValueError, match=r"columns \['epoch'\]"):
        plot_history(pd.DataFrame({"epoch": [1]}))


# === Confusion ===


@pytest.mark.parametrize("classes", [1, 2, 5, 17, pytest.param(40, marks=pytest.mark.slow)])
def test_a_confusion_matrix_shows_every_class_and_count(classes, tmp_path):
    matrix = np.random.default_rng(classes).integers(1, 60, (classes, classes))
    names = [f"class {number}" for number in range(classes)]
    figure = plot_confusion(matrix, names, "flower", tmp_path / "confusion.png")
    written = texts(figure)
    assert "flower" in written
    assert all(written.count(name) == 2 for name in names)
    for count in np.unique(matrix):
        assert written.count(str(count)) >= (matrix == count).sum()
    assert_inside(figure)
    assert_png(tmp_path / "confusion.png", figure)


def test_colours_are_shares_of_the_row():
    matrix = np.array([[30, 10, 0], [1, 1, 2], [0, 0, 0]])
    mesh = plot_confusion(matrix, ["a", "b", "c"]).axes[0].collections[0]
    np.testing.assert_allclose(mesh.get_array(), [[0.75, 0.25, 0], [0.25, 0.25, 0.5], [0, 0, 0]])
    assert mesh.get_clim() == (0, 1)


def test_counts_too_wide_for_their_cell_are_left_out():
    matrix = np.eye(40, dtype=int)
    matrix[0, 0] = 123456789
    written = texts(plot_confusion(matrix, [str(number) + "." for number in range(40)]))
    assert written.count("123,456,789") == 1  # the row's total
    assert written.count("1") == 39 + 39  # counts and totals of the other rows


def test_long_and_odd_labels_stay_inside_and_are_no_formulas():
    names = ["$x$ & y_1", "a class name that goes on and on and on for much longer than anyone would like to read", "c"]
    figure = plot_confusion(np.full((3, 3), 0.5), names, "A title that is wider than the small matrix below it " * 2)
    assert texts(figure).count("$x$ & y_1") == 2
    assert_inside(figure)


def test_an_empty_confusion_matrix_is_drawn():
    assert "0 rows" in texts(plot_confusion(np.zeros((2, 2)), ["a", "b"]))


@pytest.mark.parametrize(
    ("matrix", "labels", "message"),
    [
        (np.ones((2, 3)), ["a", "b"], r"\(2, 3\)"),
        (np.ones((2, 2)), ["a", "b", "c"], "3 labels"),
        (np.ones(2), ["a", "b"], r"\(2,\)"),
        (np.array([[1, -1], [0, 1]]), ["a", "b"], "at least 0"),
        (np.array([[1, np.nan], [0, 1]]), ["a", "b"], "finite"),
    ],
)
def test_wrong_matrices_are_refused(matrix, labels, message):
    with pytest.raises(ValueError, match=message):
        plot_confusion(matrix, labels)


# === Predictions ===


def test_images_of_all_sizes_with_their_captions(tmp_path):
    generator = np.random.default_rng(0)
    shapes = [(30, 20, 3), (20, 30, 3), (25, 25), (64, 8, 1), (8, 64, 3), (1, 1, 3), (300, 200, 3)]
    images = [generator.integers(0, 256, shape).astype("uint8") for shape in shapes]
    captions = [[(f"{head}: right", True), (f"{head}: wrong", False), (f"{head}: unknown", None)] for head in HEADS]
    figure = plot_predictions(images, captions, path=tmp_path / "predictions.png")
    (axes,) = figure.axes
    assert len(axes.images) == 7
    for picture, shape in zip(axes.images, shapes, strict=True):
        left, right, bottom, top = picture.get_extent()
        assert (right - left) / (top - bottom) == pytest.approx(shape[1] / shape[0])
    colors = {text.get_text(): to_hex(text.get_color()).upper() for text in axes.texts}
    for head in HEADS:
        assert colors[f"{head}: right"] == style.RIGHT
        assert colors[f"{head}: wrong"] == style.WRONG
        assert colors[f"{head}: unknown"] == style.UNKNOWN
    assert texts(figure).count("✓") == texts(figure).count("✗") == 7
    assert_inside(figure)
    assert_png(tmp_path / "predictions.png", figure)


def test_captions_lie_below_their_own_image():
    images = [np.zeros((20, 30, 3), "uint8")] * 5
    (axes,) = plot_predictions(images, [[(f"caption {number}", None)] for number in range(5)], columns=2).axes
    for picture, text in zip(axes.images, axes.texts, strict=True):
        left, right, bottom, _ = picture.get_extent()
        assert left <= text.get_position()[0] <= right
        assert bottom - 0.4 < text.get_position()[1] < bottom
    assert [picture.get_extent()[3] for picture in axes.images] == sorted(
        (picture.get_extent()[3] for picture in axes.images), reverse=True
    )


def test_long_captions_are_wrapped_and_marked_once():
    caption = "a caption which is certainly too long for a single line, 97%"
    figure = plot_predictions([np.zeros((9, 9, 3), "uint8")], [[(caption, np.True_)]])
    lines = [text for text in texts(figure) if text != "✓"]
    assert len(lines) > 1
    assert " ".join(lines) == caption
    assert texts(figure).count("✓") == 1
    assert_inside(figure)


def test_frames_tell_whether_a_image_is_right():
    images, captions = [np.zeros((9, 9, 3), "uint8")] * 3, [[]] * 3
    (axes,) = plot_predictions(images, captions, correct=[True, False, None]).axes
    edges = [to_hex(patch.get_edgecolor()).upper() for patch in axes.patches]
    assert edges == [style.RIGHT, style.WRONG, style.UNKNOWN]
    (axes,) = plot_predictions(images, captions).axes
    assert {to_hex(patch.get_edgecolor()).upper() for patch in axes.patches} == {style.LINE}


def test_float_images_run_from_0_to_255():
    image = np.array([[[-5.0, 127.6, 300.0], [np.nan, 0.0, 255.0]]])
    (axes,) = plot_predictions([image], [[]]).axes
    assert axes.images[0].get_array().tolist() == [[[0, 127, 255], [0, 0, 255]]]


@pytest.mark.parametrize(
    ("images", "captions", "correct", "message"),
    [
        ([], [], None, "0 images"),
        ([np.zeros((9, 9, 3))], [], None, "1 images, 0 captions"),
        ([np.zeros((9, 9, 3))], [[]], [True, False], "2 entries of `correct`, 1 of `annotations`"),
        ([np.zeros((9, 9, 3)), np.zeros((9, 9, 4))], [[], []], None, r"image 1 .*\(9, 9, 4\)"),
        ([np.zeros((0, 9, 3))], [[]], None, r"\(0, 9, 3\)"),
    ],
)
def test_wrong_images_are_refused(images, captions, correct, message):
    with pytest.raises(ValueError, match=message):
        plot_predictions(images, captions, correct)


# === Marks ===


def rendered(figure):
    """The figure's pixels, RGB."""
    png = np.frombuffer(figure._repr_png_(), np.uint8)
    return cv2.imdecode(png, cv2.IMREAD_COLOR)[..., ::-1].astype(int)


LOOKS = {("true", None): "true", ("predicted", True): "predicted, right", ("predicted", False): "predicted, wrong"}
LOOKS["predicted", None] = "predicted"


def drawn_annotations(images, annotations, columns=4):
    """The lines drawn on the images, without those of the legend, and where each image lies."""
    (axes,) = plot_predictions(images, [[]] * len(images), annotations=annotations, columns=columns).axes
    return [line for line in axes.get_lines() if line.get_clip_box().width < axes.bbox.width], [
        image.get_extent() for image in axes.images
    ]


def test_marks_lie_in_the_images_own_pixels():
    """The image's corners, its middle, and a box about one pixel."""
    points, box = (
        Annotation(np.array([[-0.5, -0.5], [3.5, 1.5], [1.5, 0.5]])),
        Annotation(np.array([0.5, -0.5, 1.5, 0.5]), "box"),
    )
    lines, extents = drawn_annotations([np.zeros((9, 9)), np.zeros((2, 4, 3))], [[], [points, box]])
    left, right, bottom, top = extents[1]
    expected = [[left, top], [right, bottom], [(left + right) / 2, (bottom + top) / 2]]
    np.testing.assert_allclose(lines[0].get_xydata(), expected)
    x, y = left + (right - left) * np.array([0.25, 0.5]), top - (top - bottom) * np.array([0, 0.5])
    np.testing.assert_allclose(
        lines[1].get_xydata(), [[x[0], y[0]], [x[1], y[0]], [x[1], y[1]], [x[0], y[1]], [x[0], y[0]]]
    )


def test_points_that_are_missing_are_left_out():
    points = np.array([[1, 2], [np.nan, 2], [3, np.nan], [4, 5]])
    annotations = [
        Annotation(points),
        Annotation(np.full((3, 2), np.nan)),
        Annotation([0, 0, np.nan, 3], "box"),
        Annotation(np.empty((0, 2))),
    ]
    lines, _ = drawn_annotations([np.zeros((9, 9))], [annotations])
    assert [len(line.get_xydata()) for line in lines] == [2, 0, 0]


def test_what_lies_outside_of_the_image_is_cut_off():
    image, annotations = (
        np.full((20, 20, 3), 255, "uint8"),
        [Annotation([-30, 5, 60, 90], "box"), Annotation(np.array([[19.4, 10], [50, 10]]))],
    )
    sheets = []
    for drawn in ([[]], [annotations]):
        sheet = rendered(plot_predictions([image], [[]], annotations=drawn))
        sheets.append(sheet[: int(2.7 * style.PIXELS_PER_INCH)])  # without the legend
    inside = slice(int(0.2 * style.PIXELS_PER_INCH) - 2, int(2.6 * style.PIXELS_PER_INCH) + 2)
    changed = (sheets[0] != sheets[1]).any(axis=-1)
    assert changed[inside, inside].any()
    changed[inside, inside] = False
    assert not changed.any()


@pytest.mark.parametrize("background", [0, 255])
@pytest.mark.parametrize("kind", ["points", "box"])
@pytest.mark.parametrize(("role", "verdict"), LOOKS)
def test_marks_are_seen_on_any_background_and_told_apart(background, kind, role, verdict):
    image = np.full((20, 20, 3), background, "uint8")
    coordinates = np.array([[9.5, 9.5]]) if kind == "points" else np.array([4, 4, 15, 15])
    pixels = rendered(plot_predictions([image], [[]], annotations=[[Annotation(coordinates, kind, role, verdict)]]))[
        32:388, 32:388
    ]
    brightness = pixels @ [0.2126, 0.7152, 0.0722]
    assert (np.abs(brightness - background) > 75).sum() > 60
    middle = pixels[175:181, 175:181]
    if kind == "points":  # a ring lets the place itself be seen
        assert (middle == background).all() == (role == "true")


def test_the_legend_names_what_is_there():
    image, points, box = np.zeros((9, 9, 3)), np.array([[1.0, 2.0]]), np.array([1, 2, 3, 4])
    without = plot_predictions([image], [[]])
    assert texts(without) == []
    assert texts(plot_predictions([image], [[]], annotations=[[]])) == []
    assert plot_predictions([image], [[]], annotations=[[]]).get_figheight() == without.get_figheight()
    for (role, verdict), name in LOOKS.items():
        annotations = [[Annotation(points, role=role, verdict=verdict), Annotation(box, "box", role, verdict)]]
        assert texts(plot_predictions([image], [[]], annotations=annotations)) == [name]
    everything = [
        [Annotation(box, "box", role, verdict) for role, verdict in reversed(LOOKS)],
        [Annotation(points, role="true")],
    ]
    for columns in (1, 2):
        figure = plot_predictions([image] * 2, [[("caption", None)]] * 2, annotations=everything, columns=columns)
        assert [text for text in texts(figure) if text != "caption"] == list(LOOKS.values())
        assert_inside(figure)
        lowest = min(image.get_extent()[2] for image in figure.axes[0].images)
        assert all(
            text.get_position()[1] < lowest for text in figure.axes[0].texts if text.get_text() in LOOKS.values()
        )


def test_wrong_marks_are_refused():
    for kind, shape in (("points", (4,)), ("points", (2, 3)), ("box", (2, 2)), ("box", (5,))):
        with pytest.raises(ValueError, match=rf"Expected {kind} of shape \(.*received: \({shape[0]},"):
            Annotation(np.zeros(shape), kind)
    with pytest.raises(ValueError, match="received: 'circle' and 'predicted'"):
        Annotation(np.zeros((1, 2)), "circle")
    with pytest.raises(ValueError, match="received: 'points' and 'guessed'"):
        Annotation(np.zeros((1, 2)), role="guessed")
    with pytest.raises(ValueError, match="2 images, 2 captions, 2 entries of `correct`, 1 of `annotations`"):
        plot_predictions([np.zeros((9, 9))] * 2, [[]] * 2, annotations=[[]])


# === Groups ===


def groups(heads, by=("gender", "ethnicity"), names=("a", "b", "c"), metric="accuracy", seed=0):
    """What `evaluate_groups` returns, with values from 0.3 to 0.7 and intervals of 0.1 to either side."""
    generator = np.random.default_rng(seed)
    keys = [("all", "all"), *((block, group) for block in by for group in names)]
    rows = [(*key, head) for key in keys for head in heads]
    index = pd.MultiIndex.from_tuples(rows, names=["by", "group", "head"])
    value = generator.uniform(0.3, 0.7, len(rows))
    columns = {"labelled": np.arange(len(rows)) + 2, "metric": metric, "value": value, "score": value}
    return pd.DataFrame({**columns, "low": value - 0.1, "high": value + 0.1, "gap": 0.0}, index=index)


@pytest.mark.parametrize("heads", [1, 2, 3, 4, 5, 9])
@pytest.mark.filterwarnings("ignore:indexing past lexsort depth")
def test_groups_have_a_panel_for_each_head(heads, tmp_path):
    names = [f"head_{number}" for number in range(heads)]
    frame = groups(names, ["gender", "ethnicity, $as$ far as it is known, and told at length by those who knew"])
    figure = plot_groups(frame, tmp_path / "groups.png")
    _, *panels = figure.axes
    assert len(panels) == heads
    written = texts(figure)
    assert all(written.count(name) == 1 for name in names)
    assert {str(rows) for rows in frame["labelled"].iloc[heads:]} <= set(written)
    assert_inside(figure)
    assert_png(tmp_path / "groups.png", figure)
    boxes = [axes.get_position() for axes in panels]
    for number, box in enumerate(boxes):
        assert 0 < box.x0 < box.x1 < 1
        assert 0 < box.y0 < box.y1 < 1
        assert not any(box.overlaps(other) for other in boxes[:number])


def points_of(axes):
    """The points of a panel from the top: value, colour, height."""
    lines = [line for line in axes.get_lines() if line.get_marker() == "o"]
    found = [(line.get_xdata()[0], to_hex(line.get_color()).upper(), line.get_ydata()[0]) for line in lines]
    return sorted(found, key=lambda point: -point[2])


@pytest.mark.parametrize("sign", [1, -1])
def test_points_bars_and_the_line_of_all_rows(sign):
    frame = groups(["age"], ["gender"])
    frame["value"] = [0.5, 0.35, 0.45, 0.65]
    frame["low"], frame["high"], frame["score"] = frame["value"] - 0.1, frame["value"] + 0.1, sign * frame["value"]
    _, axes = plot_groups(frame).axes
    assert [value for value, _, _ in points_of(axes)] == [0.35, 0.45, 0.65]
    worse = [style.ORANGE, style.BLUE, style.BLUE] if sign > 0 else [style.BLUE, style.BLUE, style.ORANGE]
    assert [color for _, color, _ in points_of(axes)] == worse
    lines = [line.get_xdata() for line in axes.get_lines() if line.get_marker() != "o"]
    np.testing.assert_allclose(lines, [[0.5, 0.5], [0.25, 0.45], [0.35, 0.55], [0.55, 0.75]])
    assert axes.get_xlabel() == f"accuracy, {'higher' if sign > 0 else 'lower'} is better"


def test_names_stand_beside_their_points():
    figure = plot_groups(groups(["age", "sex"]))
    canvas, *panels = figure.axes
    height = {text.get_text(): text.get_position()[1] for text in canvas.texts}
    for axes in panels:
        assert len(points_of(axes)) == 6
        assert [y for _, _, y in points_of(axes)][3:] == [height[name] for name in "abc"]
        assert axes.get_ylim()[0] < height["c"] < height["a"] < height["ethnicity"] < axes.get_ylim()[1]


def test_groups_without_labels_or_interval():
    frame = groups(["age", "sex"])
    frame.iloc[2, [2, 3, 4, 5]] = np.nan
    frame.iloc[4, [4, 5]] = np.nan
    frame.iloc[1::2, 2:6] = np.nan
    _, age, sex = plot_groups(frame.reset_index()).axes
    assert len(points_of(age)) == 5
    assert len(age.get_lines()) == 1 + 5 + 4
    assert not sex.get_lines()
    assert [text.get_text() for text in sex.texts] == ["no labels"]


def test_wrong_groups_are_refused():
    with pytest.raises(ValueError, match=r"received: 7 rows and the columns \['by', 'group', 'head', 'labelled'\]"):
        plot_groups(groups(["age"])[["labelled"]])
    with pytest.raises(ValueError, match="received: 1 rows"):
        plot_groups(groups(["age"]).iloc[:1])


# === Model ===


def layer(name, parameters=0, trainable=True, kind="Dense"):
    weights = [None] if parameters else []
    attributes = {"name": name, "trainable": trainable, "weights": weights, "count_params": lambda self: parameters}
    return type(kind, (), attributes)()


def head(kind, description):
    return type(kind, (), {"describe": lambda self: description})()


def made_by(operation):
    """A tensor, of which only the layer that made it is looked at."""
    return SimpleNamespace(_keras_history=SimpleNamespace(operation=operation))


def stand_in(heads, frozen_layers=0, frozen_heads=(), listed=True):
    """What `plot_model` uses of a model: 10 backbone layers of 100 parameters, heads of 48 + 8."""
    layers = [layer(f"conv_{number}", 100, number >= frozen_layers) for number in range(10)]
    backbone = SimpleNamespace(
        name="mobilenet",
        layers=layers,
        trainable=frozen_layers < 10,
        output_shape=(None, 3, 3, 256),
        count_params=lambda: 1000,
    )
    outputs = {name: layer(name, 48, name not in frozen_heads) for name in heads}
    hidden = {name: layer(f"{name}_hidden_1", 8, name not in frozen_heads) for name in heads}
    model = SimpleNamespace(
        name="multi_task", input_shape=(None, 96, 96, 3), backbone=backbone, heads=heads,
        output_shape=dict.fromkeys(heads, (None, 8)), output={name: made_by(output) for name, output in outputs.items()},
        count_params=lambda: 1000 + 56 * len(heads),
    )  # fmt: skip
    if listed:
        model.layers = [
            layer("image", kind="InputLayer"), layer("scale", kind="Rescaling"), backbone,
            layer("pooling", kind="GlobalAveragePooling2D"), *hidden.values(), *outputs.values(),
        ]  # fmt: skip
    return model


@pytest.mark.parametrize("heads", [1, 2, 8, 20])
def test_a_model_shows_its_parts_and_every_head(heads, tmp_path):
    names = [f"head_{number}" for number in range(heads)]
    model = stand_in({name: head("ClassificationHead", "softmax, 8 classes") for name in names})
    figure = plot_model(model, tmp_path / "model.png")
    written = [text.replace("\N{MULTIPLICATION SIGN}", "x") for text in texts(figure)]
    parts = [
        "multi_task",
        "96x96x3",
        "preprocessing",
        "rescaling",
        "mobilenet",
        "1,000 parameters",
        "10 layers, to 3x3x256",
    ]
    for part in [*parts, "pooling", "global average", "256 features", *names]:
        assert written.count(part) == 1, part
    assert written.count("classification: softmax, 8 classes") == written.count("8 outputs") == heads
    assert written.count("56 parameters") == heads
    assert not any("frozen" in text for text in written)
    assert_inside(figure)
    assert_png(tmp_path / "model.png", figure)


def hatched(figure):
    return sum(bool(patch.get_hatch()) for patch in figure.axes[0].patches)


@pytest.mark.parametrize(
    ("frozen", "blocks", "note"), [(0, 0, None), (4, 2, "frozen: 40% of the parameters"), (10, 5, "frozen")]
)
def test_the_frozen_part_of_the_backbone_is_hatched(frozen, blocks, note):
    figure = plot_model(stand_in({"age": head("RegressionHead", "a number")}, frozen_layers=frozen))
    assert hatched(figure) == blocks
    assert [text for text in texts(figure) if "frozen" in text] == ([note] if note else [])


def test_a_frozen_head_bears_a_padlock():
    heads = {name: head("BinaryHead", "sigmoid") for name in ("a", "b")}
    patches = len(plot_model(stand_in(heads)).axes[0].patches)
    assert len(plot_model(stand_in(heads, frozen_heads=["b"])).axes[0].patches) == patches + 2


def test_kinds_of_heads_differ_in_colour():
    kinds = ["BinaryHead", "BinaryHead", "RegressionHead", "MultiLabelHead"]
    heads = {f"h{number}": head(kind, "told") for number, kind in enumerate(kinds)}
    figure = plot_model(stand_in(heads))
    bars = [
        to_hex(patch.get_facecolor())
        for patch in figure.axes[0].patches
        if getattr(patch, "get_width", float)() == 0.09
    ]
    assert len(bars) == 4
    assert bars[0] == bars[1]
    assert len(set(bars)) == 3
    assert "multi-label: told" in texts(figure)


def test_heads_with_the_same_beginning_keep_their_own_parameters():
    heads = {name: head("BinaryHead", "sigmoid") for name in ("coat", "coat_length", "coat_length_2")}
    assert texts(plot_model(stand_in(heads))).count("56 parameters") == 3


def test_a_model_that_does_not_list_its_layers():
    figure = plot_model(stand_in({"age": head("RegressionHead", "a number")}, listed=False))
    assert {"preprocessing", "pooling", "48 parameters"} <= set(texts(figure))


def test_names_as_long_as_they_like():
    figure = plot_model(stand_in({"a_name_" * 20: head("ClassificationHead", "a description " * 20)}))
    assert_inside(figure)
    assert any(text.endswith("…") for text in texts(figure))


# === Balancing ===


def balancing_history(heads=("coat", "collar", "a_head_with_a_very_long_name_indeed"), epochs=3):
    rng = np.random.default_rng(0)
    cosines = rng.uniform(-1, 1, (epochs, len(heads), len(heads)))
    cosines[:, 0, -1] = np.nan
    return {
        "epoch": list(range(epochs)),
        "heads": list(heads),
        "weights": rng.uniform(0, 2, (epochs, len(heads))),
        "cosines": cosines,
        "conflicts": (cosines < 0) * 1.0,
    }


def test_balancing_is_drawn(tmp_path):
    figure = plot_balancing(balancing_history(), tmp_path / "balancing.png")
    assert (tmp_path / "balancing.png").stat().st_size > 10_000
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert {"weight of each head", "pairs in conflict", "mean cosine between gradients"} <= set(titles)
    weights = next(axes for axes in figure.axes if axes.get_title(loc="left") == "weight of each head")
    assert [list(line.get_xdata()) for line in weights.get_lines()] == [[1, 2, 3]] * 3


def test_many_heads_are_drawn_without_numbers():
    figure = plot_balancing(balancing_history([f"head {index}" for index in range(60)]))
    assert not figure.axes[-1].texts


def test_nothing_monitored_is_refused():
    with pytest.raises(ValueError, match="at least one epoch"):
        plot_balancing({"epoch": [], "heads": []})
