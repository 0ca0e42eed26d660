"""The settings of a teacher, how far it is trusted, and what it makes of its predictions."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.errors import InputError
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.training.confidence import trust
from mtlzoo.training.teacher_answers import Answers, in_order, mean_answers
from mtlzoo.training.teaching import TeacherLabels

KIND = mtl.ClassificationHead(["a", "b"])


# === Settings ===


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"missing": -1}, "`missing` to be a number of at least 0"),
        ({"labelled": float("nan")}, "`labelled`"),
        ({"missing": "much"}, "`missing`"),
        ({"temperature": 0}, "`temperature` to be a number above 0"),
        ({"momentum": 1}, "`momentum`"),
        ({"confidence": "high"}, "'relative' or 'calibrated' or a probability, received: 'high'"),
        ({"confidence": 1.5}, "`confidence`"),
        ({"missing": 0}, "nothing would be taught"),
        ({"evidence": ["hearsay"]}, "some of neighbours, other_labels, received"),
        ({"evidence": "neighbours"}, "`evidence`"),
        ({"teacher": []}, "`teacher` to have a model"),
        ({"heads": "kind"}, "`heads` to be a list of names, received: 'kind'"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        mtl.Teach(**settings)


def test_a_teacher_without_heads_is_refused(tiny_backbone):
    with pytest.raises(TypeError, match="Expected a model with heads"):
        mtl.Teach(tiny_backbone)


def test_a_recipe_says_who_teaches(tiny_backbone):
    model = mtl.build(tiny_backbone, {"kind": 2}, (16, 16, 3), weights=None, name="big")
    recipe = mtl.Recipe(teach=mtl.Teach([model], unlabelled="images"))
    config = json.loads(json.dumps(recipe.get_config()))["teach"]
    assert (config["teacher"], config["unlabelled"], config["missing"]) == (["big"], "images", 1.0)
    assert not recipe.teaches_itself
    assert mtl.Recipe(teach=mtl.Teach()).teaches_itself
    with pytest.raises(TypeError, match=r"write teach=mtl.Teach\(model\)"):
        mtl.Recipe(teach=model)
    with pytest.raises(TypeError, match="load them"):
        mtl.Recipe.from_config(recipe.get_config())
    with pytest.raises(ValueError, match="Expected no `mix` beside `teach`"):
        recipe.with_settings(mix="mixup")
    with pytest.raises(ValueError, match="which it never draws"):
        recipe.with_settings(sampling="balanced")


# === Trust ===


def test_trust_is_relative_to_the_class():
    """Of a difficult class the surer predictions count, although they are less sure than any of an easy one."""
    sure = np.array([[0.99, 0.01], [0.97, 0.03], [0.4, 0.6], [0.48, 0.52]], "float32")
    weights = trust(KIND, sure, "relative", 1.0)
    assert weights[0] == weights[2] == 1
    assert 0 < weights[1] < 1
    assert 0 < weights[3] < 1
    np.testing.assert_allclose(trust(KIND, sure, "calibrated", 1.0), [0.99, 0.97, 0.6, 0.52])
    assert trust(KIND, sure, 0.95, 1.0).tolist() == [1, 1, 0, 0]


def test_numbers_are_trusted_as_far_as_the_teacher_is_good():
    numbers = np.ones((3, 1))
    assert trust(mtl.RegressionHead(), numbers, "relative", 0.75).tolist() == [0.75] * 3
    assert trust(mtl.RegressionHead(), numbers, 0.8, 0.75).tolist() == [0] * 3


def test_a_head_without_validation_labels_is_taught_as_without_validation_rows():
    """A score of nothing is not one of 0."""
    heads = {"price": mtl.RegressionHead(), "kind": KIND}
    rows = [
        mtl.data.LabelTable(pd.DataFrame({"image": ["a", "b"], "price": price, "kind": ["a", "b"]}), heads)
        for price in ([1.0, None], [None, None])
    ]
    labels = TeacherLabels(mtl.Teach(), heads, *rows)
    said = [(heads, answers(price=[[1.0], [2.0]], kind=[[0.5, 0.5]] * 2))]
    labels.fill(said, said)
    np.testing.assert_allclose(labels.rows.weights["price"], [0, 2])


# === Labels ===


def make_table(**columns) -> mtl.data.LabelTable:
    heads = {
        name: mtl.ClassificationHead(sorted({str(v) for v in values} - {"None"})) for name, values in columns.items()
    }
    count = len(next(iter(columns.values())))
    return mtl.data.LabelTable(pd.DataFrame({"image": [f"{n}.png" for n in range(count)], **columns}), heads)


def answers(**outputs) -> Answers:
    given = {name: np.asarray(values, "float32") for name, values in outputs.items()}
    count = len(next(iter(given.values())))
    return Answers(given, ImageGeometry.whole([(8, 8)] * count, (8, 8)))


def test_missing_labels_are_filled_in_and_the_others_left_alone():
    table = make_table(kind=["a", None, "b", None])
    labels = TeacherLabels(mtl.Teach(confidence="calibrated"), table.heads, table, None)
    said = answers(kind=[[0.2, 0.8], [0.9, 0.1], [0.5, 0.5], [0.4, 0.6]])
    labels.fill([(table.heads, said)], [])
    np.testing.assert_allclose(labels.rows.labels["kind"], said.outputs["kind"], rtol=1e-6)
    # Half of the rows are missing, so that each counts twice: the mean over the missing ones is what is taught.
    np.testing.assert_allclose(labels.rows.weights["kind"], [0, 1.8, 0, 1.2], rtol=1e-5)
    assert "kind: 2 labels missing, taught with a mean weight of 0.75" in labels.summary()


def test_labelled_rows_are_distilled_if_wanted():
    table = make_table(kind=["a", None, "b", None])
    labels = TeacherLabels(mtl.Teach(missing=0, labelled=0.5), table.heads, table, None)
    labels.fill([(table.heads, answers(kind=[[0.5, 0.5]] * 4))], [])
    np.testing.assert_allclose(labels.rows.weights["kind"], [1, 0, 1, 0])


def test_labels_are_changed_in_place():
    """The pipelines hold the arrays."""
    table = make_table(kind=["a", None, "b", None])
    labels = TeacherLabels(mtl.Teach(), table.heads, table, None)
    labels.fill([(table.heads, answers(kind=[[0.2, 0.8]] * 4))], [])
    held = labels.rows.labels["kind"], labels.rows.weights["kind"]
    labels.fill([(table.heads, answers(kind=[[0.7, 0.3]] * 4))], [])
    assert held[0] is labels.rows.labels["kind"]
    assert held[1] is labels.rows.weights["kind"]
    np.testing.assert_allclose(held[0][0], [0.7, 0.3], rtol=1e-5)


def test_heads_are_not_taught_where_they_are_not_asked():
    table = make_table(item=["milk", "pear", None, None], brand=["x", None, None, "y"])
    heads = {**table.heads, "brand": table.heads["brand"].with_settings(only_if={"item": "milk"})}
    table = table.with_heads(heads)
    labels = TeacherLabels(mtl.Teach(confidence="calibrated"), heads, table, None)
    said = answers(item=[[0.5, 0.5], [0.5, 0.5], [0.25, 0.75], [0.5, 0.5]], brand=[[1.0, 0.0]] * 4)
    labels.fill([(heads, said)], [])
    missing = 2  # each counts for two, half of all rows being labelled
    np.testing.assert_allclose(labels.rows.weights["brand"], [0, 0, missing * 0.25, 0], atol=1e-5)


def test_parents_that_are_not_taught_are_asked_too():
    table = make_table(item=["milk", "pear", None, None], brand=["x", None, None, "y"])
    heads = {**table.heads, "brand": table.heads["brand"].with_settings(only_if={"item": "milk"})}
    labels = TeacherLabels(mtl.Teach(confidence="calibrated", heads=["brand"]), heads, table.with_heads(heads), None)
    said = answers(item=[[0.5, 0.5], [0.5, 0.5], [0.25, 0.75], [0.5, 0.5]], brand=[[1.0, 0.0]] * 4)
    labels.fill([(heads, said)], [])
    np.testing.assert_allclose(labels.rows.weights["brand"], [0, 0, 2 * 0.25, 0], atol=1e-5)
    other = {**heads, "item": mtl.ClassificationHead(["tea", "pear"])}
    labels.fill([(other, said)], [])
    np.testing.assert_allclose(labels.rows.weights["brand"], [0, 0, 2, 0], atol=1e-5)


def test_calibration_is_on_validation_rows_alone():
    train, valid = make_table(kind=["a", "b", None]), make_table(kind=["a", "b", "b", "a"] * 50)
    labels = TeacherLabels(mtl.Teach(), train.heads, train, valid)
    wrong = answers(kind=[[0.01, 0.99], [0.99, 0.01], [0.01, 0.99], [0.99, 0.01]] * 50)  # half of them are
    labels.fill([(train.heads, answers(kind=[[0.99, 0.01]] * 3))], [(train.heads, wrong)])
    assert labels.temperatures["kind"] > 8
    assert labels.rows.labels["kind"][0, 0] < 0.6


def test_some_heads_may_be_taught():
    table = make_table(kind=["a", None, "b"], other=["c", None, "d"])
    labels = TeacherLabels(mtl.Teach(heads=["other"]), table.heads, table, None)
    labels.fill([(table.heads, answers(kind=[[1, 0]] * 3, other=[[1, 0]] * 3))], [])
    assert labels.rows.labels.keys() == {"other"}
    with pytest.raises(InputError, match=r"among those that can be \(kind, other\), received: 'colour'"):
        TeacherLabels(mtl.Teach(heads=["colour"]), table.heads, table, None)
    with pytest.raises(InputError, match="Expected heads to teach, received: kind, other"):
        TeacherLabels(mtl.Teach(heads=[]), table.heads, table, None)


# === Teachers ===


def test_classes_come_in_the_order_of_the_pupil():
    theirs = mtl.ClassificationHead(["b", "a"])
    assert in_order("kind", KIND, theirs, np.array([[0.9, 0.1]])).tolist() == [[0.1, 0.9]]
    one, other = mtl.BinaryHead(["no", "yes"]), mtl.BinaryHead(["yes", "no"])
    np.testing.assert_allclose(in_order("kids", one, other, np.array([[0.9]])), [[0.1]])


@pytest.mark.parametrize(
    "theirs", [mtl.ClassificationHead(["a", "c"]), mtl.OrdinalHead(["a", "b"]), mtl.RegressionHead()], ids=repr
)
def test_a_teacher_that_asks_something_else_is_refused(theirs):
    with pytest.raises(InputError, match="Expected a teacher whose head 'kind' is"):
        in_order("kind", KIND, theirs, np.array([[0.9, 0.1]]))
    with pytest.raises(InputError, match="Expected a teacher whose head 'step' has the levels"):
        in_order("step", mtl.OrdinalHead(["x", "y"]), mtl.OrdinalHead(["y", "x"]), np.array([[0.9, 0.1]]))


def test_several_teachers_say_the_mean_of_those_that_know():
    pairs = [
        ({"kind": KIND}, answers(kind=[[0.2, 0.8]])),
        ({"kind": KIND, "x": KIND}, answers(kind=[[0.4, 0.6]], x=[[1, 0]])),
    ]
    np.testing.assert_allclose(mean_answers(pairs, "kind", KIND).outputs["kind"], [[0.3, 0.7]], rtol=1e-6)
    np.testing.assert_allclose(mean_answers(pairs, "x", KIND).outputs["x"], [[1, 0]])
    assert mean_answers(pairs, "y", KIND) is None


def test_a_mean_of_places_needs_teachers_that_see_the_same():
    head, size = mtl.LandmarkHead(1), np.array([(10, 20)])
    seen = [ImageGeometry.whole(size, (8, 8)), ImageGeometry.whole(size, (16, 12))]
    padded = seen[0].matrices.copy()
    padded[:, 1] = [[0, 0.4, 2]]
    pairs = [
        ({"eye": head}, Answers({"eye": np.full((1, 1, 2), value, "float32")}, geometry))
        for value, geometry in zip((0.2, 0.4), seen)
    ]
    np.testing.assert_allclose(mean_answers(pairs, "eye", head).outputs["eye"], [[[0.3, 0.3]]], rtol=1e-6)
    pairs.append(({"eye": head}, Answers(pairs[0][1].outputs, ImageGeometry(padded, size, (8, 8)))))
    with pytest.raises(InputError, match="Expected teachers that resize images alike for head 'eye'"):
        mean_answers(pairs, "eye", head)


def test_a_teacher_without_any_of_the_heads_is_refused():
    table = make_table(kind=["a", None, "b"])
    labels = TeacherLabels(mtl.Teach(), table.heads, table, None)
    with pytest.raises(InputError, match="Expected a teacher with some of the heads kind, received one with: colour"):
        labels.fill([({"colour": KIND}, answers(colour=[[1, 0]] * 3))], [])
