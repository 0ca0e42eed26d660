"""The report by subgroup: each group measured as if it were the whole table, with honest intervals."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from answered import outputs

from mtlzoo.data import LabelTable, TableError
from mtlzoo.evaluation import Predictions, evaluate_groups
from mtlzoo.heads import BinaryHead, ClassificationHead, LandmarkHead, MultiLabelHead, OrdinalHead, RegressionHead
from mtlzoo.images.geometry import ImageGeometry

HEADS = {
    "size": ClassificationHead(["s", "m", "l"]),
    "kids": BinaryHead(),
    "tags": MultiLabelHead(["a", "b"]),
    "length": OrdinalHead(["short", "knee", "floor", "train"]),
    "price": RegressionHead(mean=10.0, scale=4.0),
    "points": LandmarkHead(["left_eye", "right_eye", "nose"]),
}
ROWS = 240
EYES = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6]])


def cells(column: list) -> pd.Series:
    return pd.Series(column, dtype=object)


@pytest.fixture
def labelled_rows(rng) -> tuple[LabelTable, dict[str, np.ndarray], ImageGeometry]:
    """A table with a quarter of the labels missing, predictions, and where the images lie."""
    points = EYES + rng.normal(0, 0.02, (ROWS, 3, 2))
    frame = pd.DataFrame(
        {
            "image": [f"{row}.jpg" for row in range(ROWS)],
            "size": rng.choice(["s", "m", "l"], ROWS, p=[0.6, 0.3, 0.1]),
            "kids": rng.choice(["no", "yes"], ROWS, p=[0.7, 0.3]),
            "tags": cells([[tag for tag in "ab" if rng.random() < 0.4] for _ in range(ROWS)]),
            "length": rng.choice(["short", "knee", "floor", "train"], ROWS),
            "price": rng.normal(10, 4, ROWS),
            "points": cells(points.tolist()),
        }
    ).astype(object)
    for name in HEADS:
        frame.loc[rng.random(ROWS) < 0.25, name] = None
    frame["camera"] = rng.choice(["z5", "a7"], ROWS)
    frame["sender"] = np.where(rng.random(ROWS) < 0.1, np.nan, rng.integers(2, 12, ROWS))
    predictions = {
        "size": rng.dirichlet([1, 1, 1], ROWS),
        "kids": rng.random((ROWS, 1)),
        "tags": rng.random((ROWS, 2)),
        "length": rng.dirichlet([1] * 4, ROWS),
        "price": rng.normal(10, 4, (ROWS, 1)),
        "points": points + rng.normal(0, 0.02, (ROWS, 3, 2)),
    }
    geometry = ImageGeometry.whole(rng.integers(20, 60, (ROWS, 2)), (32, 32))
    return LabelTable(frame, HEADS, source="labels.csv", first_line=2), predictions, geometry


def groups_of(labelled_rows, by, **options) -> pd.DataFrame:
    """Known outputs need no model, only its heads."""
    table, predictions, geometry = labelled_rows
    return Predictions(predictions, HEADS, geometry).groups(by, table, **options)


def report_of(labelled_rows, rows=slice(None)) -> pd.DataFrame:
    table, predictions, geometry = labelled_rows
    return Predictions(predictions, HEADS, geometry, table=table).take(rows).evaluate().iloc[: len(HEADS)]


# === Metrics ===


def test_the_first_rows_are_those_of_the_report(labelled_rows):
    found = groups_of(labelled_rows, "camera").loc[("all", "all")]
    pd.testing.assert_frame_equal(found[["labelled", "metric"]], report_of(labelled_rows)[["labelled", "metric"]])
    np.testing.assert_allclose(found[["value", "score"]], report_of(labelled_rows)[["value", "score"]].astype(float))
    assert (found["gap"] == 0).all()


def test_a_group_is_measured_as_if_it_were_the_whole_table(labelled_rows):
    found = groups_of(labelled_rows, ["camera", "size"])
    overall = report_of(labelled_rows)["value"].astype(float)
    frame = labelled_rows[0].frame
    for by, group in (("camera", "a7"), ("camera", "z5"), ("size", "s"), ("size", "l")):
        expected = report_of(labelled_rows, (frame[by] == group).to_numpy())
        rows = found.loc[(by, group)]
        assert rows["labelled"].tolist() == expected["labelled"].tolist()
        np.testing.assert_allclose(rows[["value", "score"]], expected[["value", "score"]].astype(float))
        np.testing.assert_allclose(rows["gap"], rows["value"] - overall)


def test_the_form_of_the_frame(labelled_rows):
    found = groups_of(labelled_rows, ["size", "camera"])
    assert found.index.names == ["by", "group", "head"]
    assert list(found) == ["labelled", "metric", "value", "low", "high", "score", "gap"]
    assert found["labelled"].dtype == int
    assert list(found.index.unique("head")) == list(HEADS)
    blocks = found.index.droplevel("head").unique().tolist()
    expected = [("size", "s"), ("size", "m"), ("size", "l"), ("camera", "a7"), ("camera", "z5")]
    assert blocks == [("all", "all"), *expected]


@pytest.mark.slow
def test_the_order_of_rows_and_of_columns_does_not_matter(labelled_rows, rng):
    order = rng.permutation(ROWS)
    table, predictions, geometry = labelled_rows
    turned = table.take(order), {name: array[order] for name, array in predictions.items()}, geometry.take(order)
    columns = ["labelled", "metric", "value", "score", "gap"]
    one, other = groups_of(labelled_rows, ["size", "camera"]), groups_of(turned, ["camera", "size"])
    pd.testing.assert_frame_equal(other.loc[one.index, columns], one[columns])
    assert groups_of(labelled_rows, "size").equals(groups_of(labelled_rows, "size"))  # the bootstrap is seeded


def test_what_stands_in_unlabelled_rows_does_not_matter(labelled_rows):
    table, predictions, geometry = labelled_rows
    labelled = table.labelled()
    spoilt = {
        name: np.where(labelled[name].to_numpy().reshape(-1, *[1] * (array.ndim - 1)), array, np.nan)
        for name, array in predictions.items()
    }
    pd.testing.assert_frame_equal(groups_of((table, spoilt, geometry), "camera"), groups_of(labelled_rows, "camera"))


# === Intervals ===


def test_every_interval_holds_its_value_and_narrows_with_rows(labelled_rows):
    found = groups_of(labelled_rows, "sender")
    known = found[found["labelled"] >= 2]
    assert ((known["low"] <= known["value"]) & (known["value"] <= known["high"])).all()
    width = found["high"] - found["low"]
    for head in HEADS:
        assert width[("all", "all", head)] < width.xs(head, level="head").drop("all").min()


def fractions(right: int, rows: int) -> pd.Series:
    table = LabelTable(pd.DataFrame({"image": "a.jpg", "kids": ["yes"] * rows, "camera": "z5"}), {"kids": BinaryHead()})
    predictions = {"kids": np.where(np.arange(rows) < right, 0.9, 0.1)[:, None]}
    return evaluate_groups(SimpleNamespace(heads=table.heads), table, "camera", predictions=predictions).iloc[-1]


@pytest.mark.parametrize(
    ("right", "rows", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (29, 29, 0.8830, 1.0)],
)
def test_the_interval_of_a_share_is_wilsons(right, rows, low, high):
    """The figures that Newcombe (1998) gives in his table I, method 3; the last is 1 less those for 0 of 29."""
    found = fractions(right, rows)
    assert found["value"] == pytest.approx(right / rows)
    assert [found["low"], found["high"]] == pytest.approx([low, high], abs=5e-5)


def test_the_interval_of_a_mean_is_about_two_standard_errors(labelled_rows):
    table, predictions, _ = labelled_rows
    row = groups_of(labelled_rows, "camera").loc[("all", "all", "price")]
    labels = table.labels()["price"][:, 0]
    errors = np.abs(labels - predictions["price"][:, 0])[~np.isnan(labels)]
    half = 1.96 * errors.std() / np.sqrt(len(errors))
    assert [row["low"], row["high"]] == pytest.approx([errors.mean() - half, errors.mean() + half], abs=0.15 * half)


def test_a_metric_that_is_no_mean_of_rows_is_resampled(labelled_rows):
    table, predictions, _ = labelled_rows
    row = groups_of(labelled_rows, "camera").loc[("all", "all", "tags")]
    targets, rng = table.labels()["tags"], np.random.default_rng(1)
    rows = np.flatnonzero(HEADS["tags"].labelled(targets))
    drawn = []
    for _ in range(1000):
        chosen = rng.choice(rows, len(rows))
        drawn.append(HEADS["tags"].evaluate(targets[chosen], predictions["tags"][chosen])["value"])
    assert [row["low"], row["high"]] == pytest.approx(np.quantile(drawn, [0.025, 0.975]).tolist(), abs=0.01)


def test_with_fewer_than_two_labelled_rows_there_is_no_interval(labelled_rows):
    table, predictions, geometry = labelled_rows
    frame = table.frame.assign(camera=["one", "none", "none", *["many"] * (ROWS - 3)])
    frame["price"] = [3.0, None, None, *frame["price"][3:]]
    found = groups_of((LabelTable(frame, HEADS), predictions, geometry), "camera").xs("price", level="head")
    assert found["labelled"].tolist()[2:] == [0, 1]
    assert found.loc[[("camera", "one"), ("camera", "none")], ["low", "high"]].isna().all(axis=None)
    assert found.loc[("camera", "one"), "value"] == pytest.approx(abs(3.0 - predictions["price"][0, 0]))
    assert np.isnan(found.loc[("camera", "none"), ["value", "score", "gap"]].astype(float)).all()
    assert found["metric"].tolist() == ["mae"] * 4


def test_a_head_without_any_label_has_no_metrics(labelled_rows):
    table, predictions, geometry = labelled_rows
    found = groups_of((LabelTable(table.frame.assign(size=None), HEADS), predictions, geometry), "camera")
    rows = found.xs("size", level="head")
    assert (rows["labelled"] == 0).all()
    assert rows[["value", "low", "high", "score", "gap"]].isna().all(axis=None)


# === Groups ===


def labelled_by(frame: pd.DataFrame, by, heads=None, **options) -> dict[tuple[str, str], int]:
    """How many rows each group has, by a head that is labelled everywhere."""
    rows = frame.assign(image="a.jpg", kids="yes").reset_index(drop=True)
    table = LabelTable(rows, {**(heads or {}), "kids": BinaryHead()}, source="labels.csv", first_line=2)
    predictions = {"kids": np.full((len(rows), 1), 0.9)}
    model = SimpleNamespace(heads={"kids": BinaryHead()})
    found = evaluate_groups(model, table, by, predictions=predictions, **options)["labelled"].droplevel("head")
    return found.drop("all").to_dict()


def test_heads_group_by_their_classes_in_their_order():
    frame = pd.DataFrame({"race": cells([2, "white", "1", None, "", 2, "asian"])})
    heads = {"race": ClassificationHead(["white", "black", "asian", "indian"])}
    assert labelled_by(frame, "race", heads) == {("race", "white"): 1, ("race", "black"): 1, ("race", "asian"): 3}


def test_tags_make_groups_that_overlap():
    frame = pd.DataFrame({"wears": ["hat;scarf", "hat", "none", None]})
    found = labelled_by(frame, "wears", {"wears": MultiLabelHead(["hat", "scarf"])})
    counts = {"hat": 2, "not hat": 1, "scarf": 1, "not scarf": 2}
    assert found == {("wears", group): rows for group, rows in counts.items()}


def test_other_columns_group_by_their_values():
    frame = pd.DataFrame({"camera": ["z5", None, "a7", "z5", " "], "sender": [10.0, 9.0, np.nan, 9.0, 10.0]})
    found = labelled_by(frame, ["camera", "sender"])
    assert list(found.items()) == [
        (("camera", "a7"), 1),
        (("camera", "z5"), 2),
        (("sender", "9"), 2),
        (("sender", "10"), 2),
    ]
    ages = pd.DataFrame({"age": ["10-19", "2-9", "65+", "20-64", "2-9"]})
    assert list(labelled_by(ages, "age")) == [("age", age) for age in ("2-9", "10-19", "20-64", "65+")]
    assert labelled_by(pd.DataFrame({"sender": ["007", "7", "007"]}), "sender") == {
        ("sender", "007"): 2,
        ("sender", "7"): 1,
    }


@pytest.mark.parametrize("head", [RegressionHead(), OrdinalHead(120), None])
def test_numbers_are_cut_at_the_edges(head):
    frame = pd.DataFrame({"age": cells([0, 17, "18", 29, 30, 116, 118, None, "30"])})
    found = labelled_by(frame, {"age": [0, 18, 30, 31, 117]}, {"age": head} if head else None)
    assert list(found.items()) == [
        (("age", "0-17"), 2),
        (("age", "18-29"), 2),
        (("age", "30"), 2),
        (("age", "31-117"), 1),
    ]


def test_intervals_of_other_numbers_and_without_end():
    frame = pd.DataFrame({"age": [0.5, 1.5, 2.0, 7.0, -3.0]})
    assert labelled_by(frame, {"age": [0, 1.5, 2]}) == {("age", "[0, 1.5)"): 1, ("age", "[1.5, 2]"): 2}
    assert labelled_by(frame, {"age": [-np.inf, 1, np.inf]}) == {("age", "[-inf, 1)"): 2, ("age", "[1, inf]"): 3}


def test_columns_can_be_crossed():
    frame = pd.DataFrame({"gender": ["f", "m", "f", "m", None], "age": [3, 4, 70, 5, 6], "camera": "z5"})
    by = {"gender": None, "age": [0, 18, 90]}
    counts = {"f x 0-17": 1, "f x 18-90": 1, "m x 0-17": 2}
    assert labelled_by(frame, by, cross=True) == {("gender x age", group): rows for group, rows in counts.items()}
    assert len({block for block, _ in labelled_by(frame, by)}) == 2
    found = labelled_by(frame, ["gender", "camera", "age"], cross=True)
    assert found["gender x camera x age", "f x z5 x 70"] == 1


# === With a model ===


def test_a_model_on_a_table(model, drawn):
    by = {"color": None, "weight": None, "level": [0, 2, 5]}
    found = evaluate_groups(model, drawn, by, batch_size=16)
    again = evaluate_groups(model, drawn, by, predictions=outputs(model, drawn))
    pd.testing.assert_frame_equal(found, again, rtol=1e-3)
    groups = found.index.droplevel("head").unique().tolist()[1:]
    colors = [("color", color) for color in ("blue", "green", "red")]
    assert groups == [
        *colors,
        *(("weight", weight) for weight in "123"),
        *(("level", level) for level in ("0-1", "2-5")),
    ]


def test_class_names_are_the_models_and_unnamed_ones_the_tables(drawn):
    predictions = {"color": np.eye(3)[np.arange(40) % 3]}
    table = drawn.with_heads({"color": ClassificationHead(["red", "green", "blue"])})
    named = SimpleNamespace(heads={"color": ClassificationHead(["blue", "green", "red"])})
    unnamed = SimpleNamespace(heads={"color": ClassificationHead(3)})
    for model, first in ((named, "blue"), (unnamed, "red")):
        found = evaluate_groups(model, table, "color", predictions=predictions)
        assert found.index.unique("group")[1] == first


def test_refusals(labelled_rows):
    columns = "image, size, kids, tags, length, price, points, camera, sender"
    with pytest.raises(TableError, match=rf"labels\.csv: no column 'sex' to group by; the columns are: {columns}\."):
        groups_of(labelled_rows, ["size", "sex"])
    with pytest.raises(ValueError, match=r"at least one column to group by, received: \[\]"):
        groups_of(labelled_rows, [])
    with pytest.raises(ValueError, match="at least two columns to cross, received: 'size'"):
        groups_of(labelled_rows, "size", cross=True)
    with pytest.raises(ValueError, match=r"Expected edges for 'price', which holds 1\d\d different numbers from"):
        groups_of(labelled_rows, "price")
    for edges in ([3], [3, 3], [5, 2], [0, np.nan]):
        with pytest.raises(ValueError, match="at least two ascending edges for 'price'"):
            groups_of(labelled_rows, {"price": edges})
    with pytest.raises(
        TableError, match=r"line 2 \(0\.jpg\): expected a number in 'camera' to find its interval, received"
    ):
        groups_of(labelled_rows, {"camera": [0, 1]})
    table, predictions, geometry = labelled_rows
    with pytest.raises(TableError, match="no rows"):
        groups_of((table.take([]), predictions, geometry), "camera")
    shorter = {name: array[1:] for name, array in predictions.items()}
    with pytest.raises(ValueError, match=f"Expected {ROWS} predictions for 'size', received: {ROWS - 1}"):
        evaluate_groups(SimpleNamespace(heads=HEADS), table, "camera", predictions=shorter, geometry=geometry)
    with pytest.raises(ValueError, match=f"Expected {ROWS} predictions for 'size', received: {ROWS - 1}"):
        groups_of((table, shorter, geometry.take(np.arange(1, ROWS))), "camera")
