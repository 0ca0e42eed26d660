"""The parts of whole jobs: reading for a model, checking images, options, and the images of a report."""

from __future__ import annotations

import json
from types import SimpleNamespace

import cv2
import keras
import numpy as np
import pandas as pd
import pytest
from drawings import draw_table

import mtlzoo as mtl
from mtlzoo import balancing
from mtlzoo.cli import runs
from mtlzoo.cli.argument_types import OneLineParser
from mtlzoo.cli.commands.train import add_arguments
from mtlzoo.cli.image_files import labelled_images
from mtlzoo.data import ImageError, LabelTable, make_shapes, read_shapes
from mtlzoo.data.row_values import locate
from mtlzoo.evaluation import Predictions
from mtlzoo.heads import BinaryHead, ClassificationHead, DetectionHead, LandmarkHead, MultiLabelHead, RegressionHead
from mtlzoo.models import build
from mtlzoo.training import DEFAULT_STAGES, FASHIONAI_STAGES, FeatureCache, Stage

# === Reading ===


@pytest.fixture
def model() -> SimpleNamespace:
    """All that reading needs of a model is its heads."""
    return SimpleNamespace(heads={"size": ClassificationHead(["s", "m", "l"]), "kids": BinaryHead()})


@pytest.mark.parametrize(
    "text",
    [
        "image,size,kids,note\na.jpg,l,yes,x\nb.jpg,,yes,x\nc.jpg,s,yes,x\n",
        "\ufeffimage , size,kids,id\r\na.jpg,l,yes,1\r\nb.jpg,,yes,2\r\nc.jpg,s,yes,3\r\n",
        "image,head,label\na.jpg,size,l\nb.jpg,kids,yes\nc.jpg,size,s\nc.jpg,kids,yes\na.jpg,kids,yes\n",
    ],
    ids=["wide", "untidy", "long"],
)
def test_labels_are_read_for_a_model(model, tmp_path, text):
    """In the model's order of classes, and whatever else there is: no head has to be guessed, nor to be worth learning."""
    (tmp_path / "labels.csv").write_text(text)
    for data in (tmp_path, tmp_path / "labels.csv"):
        table = runs.read_for_model(data, "csv", model)
        assert list(table.heads) == ["size", "kids"]
        assert table.labels()["size"].tolist() == [2, -1, 0]
        assert table.labels()["kids"].tolist() == [1, 1, 1]


def test_folders_are_read_for_a_model(model, tmp_path):
    (tmp_path / "size" / "l").mkdir(parents=True)
    (tmp_path / "size" / "l" / "a.jpg").touch()
    assert runs.read_for_model(tmp_path, "folders", model).labels()["size"].tolist() == [2]


def test_fashionai_is_read_for_a_model(tmp_path):
    (tmp_path / "Tests").mkdir()
    (tmp_path / "Tests" / "answer.csv").write_text("a.jpg,pant_length_labels,nnynnn\n")
    (tmp_path / "Tests" / "question.csv").write_text("a.jpg,pant_length_labels,?\n")
    values = ["Mid Length", "Full Length"]
    table = runs.read_for_model(
        tmp_path, "fashionai", SimpleNamespace(heads={"pant_length": ClassificationHead(values), "x": 3}), "answer"
    )
    assert table.labels()["pant_length"].tolist() == [0]
    assert runs.read_questions(tmp_path, "fashionai").frame["letters"].tolist() == ["?"]
    assert runs.read_questions(tmp_path, "csv") is None
    assert runs.read_questions(tmp_path / "Tests", "fashionai") is None


def test_unknown_formats(tmp_path):
    with pytest.raises(ValueError, match="Unknown format 'xml', expected one of: csv, fashionai, folders"):
        runs.read_table(tmp_path, "xml")


def test_unreadable_images_are_refused_or_left_out(tmp_path, capsys):
    drawn = draw_table(tmp_path, rows=6)
    assert runs.drop_bad_images(drawn, skip=False) == (drawn, [])
    (tmp_path / "2.png").write_bytes(b"nothing")
    (tmp_path / "4.png").unlink()
    with pytest.raises(
        ImageError, match=r"^drawn\.csv, line 4 \(2\.png\): not an image .* \(2 such rows in all\)\. Go on"
    ):
        runs.drop_bad_images(drawn, skip=False)
    table, lines = runs.drop_bad_images(drawn, skip=True)
    assert table.frame["image"].tolist() == ["0.png", "1.png", "3.png", "5.png"]
    assert [line.split(":")[0] for line in lines] == ["drawn.csv, line 4 (2.png)", "drawn.csv, line 6 (4.png)"]


# === Options ===


def test_options_reach_the_heads_that_have_them():
    frame = pd.DataFrame({"image": ["a"], "size": ["s"], "price": [1.0]})
    table = LabelTable(frame, {"size": ClassificationHead(["s", "m"]), "price": RegressionHead()}, first_line=2)
    heads = runs.configure_heads(table, {"hidden": [4], "label_smoothing": 0.1}).heads
    assert heads["size"] == ClassificationHead(["s", "m"], hidden=[4], label_smoothing=0.1)
    assert heads["price"] == RegressionHead(hidden=[4])


@pytest.mark.parametrize(
    ("text", "value"),
    [("a=1", 1), ("a=0.25", 0.25), ("a=1e-3", 1e-3), ("a=true", True), ("a=None", None), ("a=b=c", "b=c"), ("a=", "")],
)
def test_options_as_texts(text, value):
    name, found = runs.parse_option(text)
    assert (name, found) == ("a", value)
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["alpha", "=1", ""])
def test_options_that_are_none(text):
    with pytest.raises(ValueError, match=r"Expected an option such as alpha=0\.25, received: "):
        runs.parse_option(text)


def test_heads_as_texts():
    assert runs.parse_heads(None) is None
    assert runs.parse_heads(["kids", "size=ordinal"]) == {"kids": None, "size": "ordinal"}


def test_stages_as_texts():
    assert runs.parse_stages(["heads:2:1e-3", "all:5:1e-4:constant", "3:1:0.1", "a,b:1:1"], patience=4) == [
        Stage(2, 1e-3, "heads", patience=4),
        Stage(5, 1e-4, "all", schedule="constant", patience=4),
        Stage(1, 0.1, 3, patience=4),
        Stage(1, 1.0, ["a", "b"], patience=4),
    ]
    assert runs.parse_stages(None) == list(DEFAULT_STAGES)
    assert runs.parse_stages(["fashionai"]) == list(FASHIONAI_STAGES)


def test_balancing_is_read_with_its_arguments():
    assert runs.parse_balancing(None) is None
    assert runs.parse_balancing("uncertainty") == balancing.Uncertainty()
    assert runs.parse_balancing("cagrad:c=0.5,gradients=parameters") == balancing.CAGrad(0.5, gradients="parameters")
    assert runs.parse_balancing("static:age=0.1,gender=2") == balancing.Static({"age": 0.1, "gender": 2})
    for text, message in {
        "cagrad:d=1": "has c, gradients, received: d",
        "cagrad:c": "such as alpha=0.25",
        "cagrad:c=-1": "Expected `c`",
        "cargad": "Did you mean 'cagrad'",
    }.items():
        with pytest.raises(ValueError, match=message):
            runs.parse_balancing(text)


@pytest.mark.parametrize("text", ["all", "all:2", "all:two:1e-3", "all:2:fast", "all:2:1e-3:constant:4", ""])
def test_stages_that_are_none(text):
    with pytest.raises(ValueError, match=r"Expected a stage such as heads:2:1e-3 or all:10:1e-4:constant, received: "):
        runs.parse_stages([text])


def test_features_as_texts(tmp_path):
    assert runs.parse_features("none", tmp_path) is None
    assert runs.parse_features("auto") == FeatureCache()
    assert runs.parse_features("4", tmp_path) == FeatureCache(views=4, folder=tmp_path)
    for text in ("some", "-1", "1.5", ""):
        with pytest.raises(
            ValueError, match=f"Expected --features to be auto, none or a number of views, received: '{text}'"
        ):
            runs.parse_features(text)


# === The images of a report ===


def test_places_are_marked_where_they_lie_in_the_image(tmp_path):
    path = tmp_path / "wide.png"
    cv2.imwrite(str(path), np.zeros((100, 200, 3), np.uint8))
    frame = pd.DataFrame({"image": [str(path)], "tips": [((99.5, 49.5), (-0.5, -0.5))]})
    table = LabelTable(frame, {"tips": LandmarkHead(2, format="xy")})
    outputs = {"tips": np.array([[[0.5, 0.5], [1.0, 1.0]]])}
    ((true, predicted),) = labelled_images(
        table, Predictions(outputs, table.heads, locate(table, (32, 32)))
    ).annotations
    assert (true.role, predicted.role) == ("true", "predicted")
    # The wide image lies in the middle of a square of 256 pixels.
    np.testing.assert_allclose(true.coordinates, [[127.5, 127.5], [-0.5, 63.5]], atol=1e-6)
    np.testing.assert_allclose(predicted.coordinates, [[127.5, 127.5], [255.5, 191.5]], atol=1e-6)


def test_every_box_of_several_is_marked(tmp_path):
    path = tmp_path / "wide.png"
    cv2.imwrite(str(path), np.zeros((100, 200, 3), np.uint8))
    cells = [[("dot", 0, 0, 200, 100), ("dot", 100, 50, 200, 100)]]
    table = LabelTable(
        pd.DataFrame({"image": [str(path)], "dots": cells}), {"dots": DetectionHead(["dot"], format="xyxy")}
    )
    outputs = {"dots": np.array([[[0, 0, 0.5, 0.5, 0.9], [0, 0, 1, 1, 0.1]]])}
    (marks,) = labelled_images(table, Predictions(outputs, table.heads, locate(table, (32, 32)))).annotations
    assert [(mark.kind, mark.role) for mark in marks] == [("box", "true"), ("box", "true"), ("box", "predicted")]
    expected = [[-0.5, 63.5, 255.5, 191.5], [127.5, 127.5, 255.5, 191.5], [-0.5, 63.5, 127.5, 127.5]]
    np.testing.assert_allclose([mark.coordinates.ravel() for mark in marks], expected, atol=1e-4)


def test_what_is_not_asked_is_not_drawn_and_said_to_be_so(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((10, 10, 3), np.uint8))
    only = {"kind": "coat"}
    heads = {
        "kind": ClassificationHead(["hat", "coat"]),
        "size": RegressionHead(only_if=only),
        "kids": BinaryHead(only_if=only),
        "tips": LandmarkHead(1, format="xy", only_if=only),
    }
    cells = {"image": ["a.png"], "kind": ["coat"], "size": [3], "kids": ["yes"], "tips": [((5, 5),)]}
    table = LabelTable(pd.DataFrame(cells), heads, root=tmp_path)
    outputs = {"size": np.array([[3.0]]), "kids": np.array([[0.9]]), "tips": np.array([[[0.5, 0.5]]])}
    for kind, said in (([0.2, 0.8], ["size: 3 (true 3)", "kids: yes"]), ([0.8, 0.2], ["not applicable"] * 2)):
        predictions = Predictions({"kind": np.array([kind]), **outputs}, heads, locate(table, (32, 32)))
        found = labelled_images(table, predictions)
        lines = [text for text, _ in found.captions[0] if text.startswith(("size", "kids"))]
        assert all(part in line for part, line in zip(said, lines, strict=True))
        assert len(found.annotations[0]) == (2 if kind[1] > 0.5 else 0)


def test_several_objects_are_reported_too(tmp_path):
    make_shapes(tmp_path / "scenes", images=4, tests=3, objects=3)
    table = read_shapes(tmp_path / "scenes", "test")
    images = keras.Input((32, 32, 3))
    backbone = keras.Model(images, keras.layers.Conv2D(4, 3, strides=8)(images))
    model = build(backbone, {"objects": DetectionHead(["triangle", "rectangle"], format="xyxy", score_threshold=0.01)})
    report = runs.report_run(model, table, tmp_path / "run")
    assert {"f1_50", "ap", "ap_50", "ap_75"} <= set(report.columns)
    answers = pd.read_csv(tmp_path / "run" / "answers.csv")
    assert len(answers) == 3
    for cell in answers["objects:probability"]:
        assert all(0 <= probability <= 1 for probability in json.loads(cell))
    assert (tmp_path / "run" / "predictions.png").is_file()


def test_drawn_data_has_the_layouts_that_its_kind_has(tmp_path):
    with pytest.raises(ValueError, match="Unknown kind of data 'cars', expected one of: faces, fashion, shapes"):
        runs.make_data("cars", tmp_path)
    with pytest.raises(ValueError, match="Expected no layout for 'fashion'"):
        runs.make_data("fashion", tmp_path, layout="mtfl")


def test_predictions_are_compared_with_labels_however_those_are_written(tmp_path):
    """A class id, a soft label, tags in another order: what the head means by it counts."""
    drawn = draw_table(tmp_path, rows=4)
    frame = drawn.frame[["image"]].assign(
        size=pd.Series([(0.0, 1.0, 0.5), "l", None, 0], dtype=object),
        tags=pd.Series(["b;a", "none", ["b"], None], dtype=object),
        price=[1.5, np.nan, 3.0, 4.0],
    )
    heads = {"size": ClassificationHead(["s", "m", "l"]), "tags": MultiLabelHead(["a", "b"]), "price": RegressionHead()}
    outputs = {
        "size": np.eye(3)[[1, 0, 0, 0]],
        "tags": np.array([[0.9, 0.9], [0.1, 0.1], [0.9, 0.1], [0.9, 0.1]]),
        "price": np.array([[1.25], [2.0], [3.0], [4.0]]),
    }
    captions = labelled_images(LabelTable(frame, heads, root=drawn.root), Predictions(outputs, heads)).captions
    assert sorted(captions, key=str) == sorted(
        [
            [("size: m", True), ("tags: a;b", True), ("price: 1.25 (true 1.5)", None)],
            [("size: s", False), ("true: l", None), ("tags: none", True)],
            [("tags: a", False), ("true: b", None), ("price: 3 (true 3)", None)],
            [("size: s", True), ("price: 4 (true 4)", None)],
        ],
        key=str,
    )


# === Recipes ===


def recipe_of(*arguments: str):
    """The recipe that `mtlzoo train labels.csv` makes of further arguments."""
    options = OneLineParser(prog="mtlzoo")
    add_arguments(options)
    return runs.recipe_of(options.parse_args(["labels.csv", *arguments]))


def test_nothing_said_is_the_default_recipe_with_the_seed():
    assert recipe_of() == mtl.Recipe()
    assert recipe_of("--seed", "3").seed == 3


def test_a_recipe_of_a_file_keeps_its_seed(tmp_path):
    file = str(mtl.training.write_recipe(mtl.Recipe(seed=7), tmp_path / "recipe.yaml"))
    assert recipe_of("--recipe", file).seed == 7
    assert recipe_of("--recipe", file, "--seed", "0").seed == 0


def test_what_is_said_takes_the_place_of_the_recipes_own():
    recipe = recipe_of(
        "--recipe", "hydranet", "--minutes", "2.5", "--augment", "light", "--mix", "mixup", "--patience", "2"
    )
    assert (recipe.batch_size, recipe.augment, recipe.mix, recipe.minutes) == (16, "light", "mixup", 2.5)
    (stage,) = recipe.stages
    assert (stage.epochs, stage.patience, type(stage.make_optimizer(1)).__name__) == (10, 2, "SGD")
    assert recipe_of("--recipe", "hydranet").augment is None
    recipe = recipe_of("--recipe", "thorough", "--stages", "all:3:1e-2", "--sampling", "balanced", "--batch-size", "8")
    assert recipe.stages == (Stage(3, 1e-2),)
    assert (recipe.augment, recipe.sampling, recipe.batch_size) == ("strong", "balanced", 8)
    assert recipe_of("--stages", "thorough").stages == mtl.training.get_recipe("thorough").stages
    assert recipe_of("--augment", "none").augment is None


def test_what_is_no_recipe_and_no_time_is_refused(capsys):
    with pytest.raises(
        ValueError, match=r"Expected the name of a recipe, received: 'thorow'\. Did you mean 'thorough'\?"
    ):
        recipe_of("--recipe", "thorow")
    for minutes in ("0", "-1", "nan", "soon"):
        with pytest.raises(SystemExit):
            recipe_of("--minutes", minutes)
        assert "expected a number above 0" in capsys.readouterr().err
