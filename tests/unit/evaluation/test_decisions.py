"""Thresholds, "not sure", sets and intervals: fitted on validation rows, used wherever is predicted, kept in files."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.errors import HeadError
from mtlzoo.evaluation import (
    Predictions,
    calibration_errors,
    conformal_coverage,
    coverage_curves,
    load_predictions,
    save_predictions,
)
from mtlzoo.evaluation.running import load_inputs
from mtlzoo.heads.conformal import Conformal
from mtlzoo.heads.decisions import Decision
from mtlzoo.models import Calibration
from mtlzoo.training.calibrating import calibrate_on

ROWS = 160
HEADS = {
    "kind": mtl.ClassificationHead(["a", "b", "c"]),
    "kids": mtl.BinaryHead(["no", "yes"]),
    "tags": mtl.MultiLabelHead(["hood", "zip", "rare"]),
    "step": mtl.OrdinalHead(["low", "middle", "high"], only_if={"kids": "yes"}),
    "size": mtl.RegressionHead(only_if={"kids": "yes"}),
    "age": mtl.ExpectationHead((0, 9)),
    "point": mtl.LandmarkHead(1, format="rel_xy"),
}


@pytest.fixture(scope="module")
def network() -> mtl.MultiTaskModel:
    keras.utils.set_random_seed(0)
    images = keras.Input((4, 4, 3))
    features = keras.layers.Conv2D(6, 2, strides=2, activation="relu")(keras.layers.Rescaling(1 / 32, -4.0)(images))
    return mtl.build(keras.Model(images, features, name="tiny"), HEADS, (4, 4, 3), weights=None, dropout=0.0)


@pytest.fixture
def model(network):
    weights = network.get_weights()
    network.calibration = Calibration()
    yield network
    network.set_weights(weights)


@pytest.fixture(scope="module")
def table(network, tmp_path_factory) -> mtl.data.LabelTable:
    """Rows with labels as the network says, some missing, and tags that are labelled one by one."""
    import cv2

    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    names = [f"{row}.png" for row in range(ROWS)]
    for name in names:
        cv2.imwrite(str(folder / name), rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    blank = mtl.data.LabelTable(pd.DataFrame({"image": names}), {}, root=folder)
    outputs = Predictions.from_model(network, blank).outputs
    kinds = [rng.choice(["a", "b", "c"], p=row / row.sum()) for row in outputs["kind"].astype("float64")]
    tags = (rng.random((ROWS, 3)) < outputs["tags"] * [1, 1, 0.02]).astype("float64")
    tags[::3, 1] = -1
    columns = {
        "kind": kinds,
        "kids": np.where(rng.random(ROWS) < outputs["kids"][:, 0], "yes", "no"),
        "tags": tags.tolist(),
        "step": rng.choice(["low", "middle", "high"], ROWS),
        "size": outputs["size"][:, 0] + rng.normal(size=ROWS),
        "age": rng.uniform(0, 9, ROWS).round(2),
        "point": ["0.5 0.5"] * ROWS,
    }
    frame = pd.DataFrame(
        {"image": names, **{name: pd.Series(list(each), dtype=object) for name, each in columns.items()}}
    )
    frame.loc[::5, "kind"] = None
    return mtl.data.LabelTable(frame, HEADS, root=folder)


def test_thresholds_belong_to_each_tag_and_all_that_is_predicted_follows(model, table, tmp_path):
    before = Predictions.from_model(model, table)
    report = mtl.decide(model, table)
    assert list(report.index) == [("kids", "yes"), ("tags", "hood"), ("tags", "zip"), ("tags", "rare")]
    assert report.loc[("tags", "zip"), "rows"] == ROWS - len(range(0, ROWS, 3))
    assert (report["f1"].fillna(0) >= report["f1_before"].fillna(0)).all()
    assert report.loc[("tags", "rare"), "threshold"] == 0.5
    assert "expected 10 of each" in report.loc[("tags", "rare"), "note"]
    after = Predictions.from_model(model, table)
    thresholds = report["threshold"].loc["tags"]
    given = after.outputs["tags"] >= thresholds.to_numpy("float32")
    np.testing.assert_array_equal(after.details()["tags"]["class_ids"], given)
    yes = after.outputs["kids"][:, 0] >= report.loc[("kids", "yes"), "threshold"]
    np.testing.assert_array_equal(mtl.predict(model, table)["kids"] == "yes", yes)
    np.testing.assert_array_equal(after.asked("step"), yes)  # who is asked follows
    assert mtl.evaluate(model, table).loc["tags", "f1"] > before.evaluate().loc["tags", "f1"]
    told = mtl.evaluate(model, table, predictions=after.outputs)
    assert told.loc["tags", "f1"] == mtl.evaluate(model, table).loc["tags", "f1"]
    assert model.heads["kids"].threshold == 0.5  # training is as it was
    for name in ("model.h5", "model.keras"):
        loaded = mtl.load_model(mtl.export(model, tmp_path / name))
        assert loaded.calibration == model.calibration
    pair = Predictions.from_model([model, model], table)
    assert (pair.to_frame()["tags"] == before.to_frame()["tags"]).all()  # what is fitted for one is not for two


def test_calibration_afterwards_leaves_answers_as_they_are(model, table):
    mtl.decide(model, table, costs={"miss": 5, "false alarm": 1})
    mtl.conformal(model, table)
    before = Predictions.from_model(model, table)
    with pytest.warns(UserWarning, match=r"call mtl\.abstain and mtl\.conformal again"):
        temperatures = mtl.calibrate(model, table)["temperature"]
    after = Predictions.from_model(model, table)
    assert (abs(temperatures - 1) > 0.01).any()
    for name in ("kids", "tags"):
        assert (after.to_frame()[name] == before.to_frame()[name]).all()
    assert not any(decision.conformal for decision in model.calibration.decisions.values())
    assert "kind_set" not in after.to_frame()
    assert len(calibration_errors(after)) == 4


@pytest.mark.parametrize("by_training", [False, True])
def test_thresholds_that_heads_were_made_with_follow_too(model, table, by_training):
    made = {"kids": mtl.BinaryHead(["no", "yes"], threshold=0.35), "tags": HEADS["tags"].with_thresholds({"zip": 0.7})}
    other = model.with_heads(made)
    before = mtl.predict(other, table)
    if by_training:
        temperatures = calibrate_on(other, [(load_inputs(other, table), table.for_heads(made).labels())])
    else:
        temperatures = mtl.calibrate(other, table)["temperature"].to_dict()
    assert all(abs(value - 1) > 0.02 for value in temperatures.values())
    after = mtl.predict(other, table)
    assert (after[list(made)] == before[list(made)]).all(axis=None)
    probabilities = Predictions.from_model(other, table).outputs["kids"][:, 0]
    assert ((probabilities >= 0.35) != (after["kids"] == "yes")).any()


def test_heads_may_be_called_like_sets():
    heads = {"kind": mtl.ClassificationHead(["a", "b"]), "kind_set": mtl.BinaryHead()}
    outputs = {"kind": np.array([[0.9, 0.1]]), "kind_set": np.array([[0.9]])}
    decisions = {"kind": Decision(conformal=Conformal(0.9, "lac", (0.5,), (20,)))}
    frame = Predictions(outputs, heads, decisions=decisions).to_frame()
    assert frame[["kind", "kind_set_", "kind_set"]].to_numpy().tolist() == [["a", "a", "yes"]]


def test_thresholds_of_tags_that_get_names_are_kept_in_files(tmp_path):
    table = mtl.data.LabelTable(
        pd.DataFrame({"image": ["a.png"], "tags": ["x"]}), {"tags": mtl.MultiLabelHead(["x", "y"])}
    )
    counted = Decision(thresholds={"0": 0.2, "1": 0.8}).apply(mtl.MultiLabelHead(2))
    decisions = {"tags": Decision(thresholds={"0": 0.2, "1": 0.8})}
    known = Predictions({"tags": np.array([[0.3, 0.7]])}, {"tags": counted}, table=table, decisions=decisions)
    named = load_predictions(save_predictions(known.with_heads(table.heads), tmp_path / "named.npz"))
    assert named.to_frame()["tags"].tolist() == ["x"]
    assert named.decisions["tags"].thresholds == {"x": 0.2, "y": 0.8}


def test_other_thresholds_outdate_what_was_fitted_on_answers(model, table):
    mtl.abstain(model, table, coverage=0.8)
    mtl.conformal(model, table)
    with pytest.warns(UserWarning, match="What 'kids', 'size', 'step' say has changed"):
        mtl.decide(model, table, costs={"miss": 1, "false alarm": 9}, heads=["kids"])
    known = model.calibration.decisions
    assert known["kids"] == Decision(known["kids"].thresholds)
    assert not {"step", "size"} & set(known)
    assert known["kind"].conformal is not None
    assert known["tags"].confidence is not None


def test_not_sure_is_said_below_the_confidence_that_was_chosen(model, table):
    report = mtl.abstain(model, table, coverage=0.75)
    assert list(report.index) == ["kind", "kids", "tags", "step"]
    assert report["coverage"].between(0.75, 0.77).all()
    predictions = Predictions.from_model(model, table)
    frame = predictions.to_frame()
    for name, row in report.iterrows():
        np.testing.assert_array_equal(frame[name] == "not sure", frame[f"{name}_probability"] < row["confidence"])
    curve = coverage_curves(predictions)["kind"]
    assert curve["coverage"].is_monotonic_increasing
    assert report.loc["kind", "accuracy"] == pytest.approx(curve["accuracy"][(curve["coverage"] - 0.75).ge(0).idxmax()])
    # "not applicable" is an answer whose truth the parent's label tells
    known = (table.frame["kids"] == "no") | table.frame["step"].notna()
    assert report.loc["step", "rows"] == known.sum()
    right = np.where(table.frame["kids"] == "no", "not applicable", table.frame["step"])
    answers = predictions.to_frame(abstain=0)["step"]
    assert report.loc["step", "accuracy_before"] == (answers == right).mean()

    wanted = mtl.abstain(model, table, accuracy=0.8, heads="kids").loc["kids"]
    assert wanted["accuracy"] >= 0.8 > wanted["low"]
    best = coverage_curves(Predictions.from_model(model, table))["kids"].query("accuracy >= 0.8")["coverage"].max()
    assert wanted["coverage"] == pytest.approx(best)
    note = mtl.abstain(model, table, accuracy=1.0, heads="step").loc["step", "note"]
    assert "always answers" in note


def test_a_confidence_of_the_moment_comes_before_what_was_fitted(model, table):
    mtl.abstain(model, table, coverage=0.5, heads=["kind"])
    frame = mtl.predict(model, table, abstain=0.6)
    for name in ("kind", "kids", "tags", "step"):
        np.testing.assert_array_equal(frame[name] == "not sure", frame[f"{name}_probability"] < 0.6)
    assert not (mtl.predict(model, table, abstain=0) == "not sure").any().any()
    with pytest.raises(ValueError, match="abstain"):
        mtl.predict(model, table, abstain=1.5)


def test_sets_and_intervals_stand_beside_answers_and_hold_what_they_say(model, table, tmp_path):
    half = ROWS // 2
    report = mtl.conformal(model, table.take(range(half)), level=0.8)
    assert list(report.index) == ["kind", "kids", "step", "size", "age"]
    predictions = Predictions.from_model(model, table.take(range(half, ROWS)))
    coverage = conformal_coverage(predictions)
    assert (coverage["coverage"] >= coverage["low"]).all()
    assert (coverage.loc[["size", "age"], "coverage"] <= coverage.loc[["size", "age"], "high"]).all()
    frame, asked = predictions.to_frame(), predictions.asked("step")
    assert {"kind_set", "kids_set", "step_set", "size_low", "size_high", "age_low"} <= set(frame)
    assert not {"tags_set", "point_set"} & set(frame)
    np.testing.assert_array_equal(frame["step_set"] == "not applicable", ~asked)
    np.testing.assert_array_equal(frame["size_low"].isna(), ~asked)
    assert all(answer == told.split(";")[0] for answer, told in zip(frame["kind"], frame["kind_set"]))
    held = (frame["age_low"] <= frame["age"]) & (frame["age"] <= frame["age_high"])
    assert held.all()
    assert len(predictions.take([0]).to_frame().columns) == len(frame.columns)
    again = load_predictions(save_predictions(predictions, tmp_path / "predictions.npz"), images=table.root)
    pd.testing.assert_frame_equal(again.to_frame(), frame)
    flipped = mtl.predict(model, table.take(range(4)), test_time_augmentation="flip")
    assert "kind_set" not in flipped  # other scores than those that it was fitted on


def test_the_picture_has_a_chart_for_each_head_and_a_point_where_it_says_not_sure(model, table, tmp_path):
    from mtlzoo.plotting import plot_coverage, style

    mtl.abstain(model, table, coverage=0.6, heads=["kind"])
    predictions = Predictions.from_model(model, table)
    figure = plot_coverage(predictions, tmp_path / "coverage.png")
    charts = figure.axes[1:]
    assert len(charts) == 4
    assert (tmp_path / "coverage.png").read_bytes()[:4] == b"\x89PNG"
    curve = coverage_curves(predictions)["kind"]
    points = [line for line in charts[0].lines if line.get_color() == style.ORANGE]
    assert points[0].get_xdata()[0] == pytest.approx(curve["coverage"][curve["coverage"] >= 0.6].iloc[0])
    assert not [line for line in charts[1].lines if line.get_color() == style.ORANGE]
    with pytest.raises(ValueError, match="labels for at least one head"):
        plot_coverage(predictions.with_heads({"size": HEADS["size"]}))


def test_the_command_fits_all_of_it_on_the_rows_for_validation(model, table, tmp_path, capsys):
    from mtlzoo.cli.main import main

    frame = table.frame[["image", "kind", "kids"]].assign(split=["train", "valid"] * (ROWS // 2))
    frame.to_csv(table.root / "labels.csv", index=False)
    path, out = mtl.export(model, tmp_path / "model.h5"), tmp_path / "decided.h5"
    words = ["calibrate", str(path), str(table.root / "labels.csv"), "--out", str(out), "--decide", "cost=5:1"]
    assert main([*words, "--coverage", "0.7", "--level", "0.8", "--picture", str(tmp_path / "coverage.png")]) == 0
    told = capsys.readouterr()
    assert "80 rows are left out" in told.err
    assert all(title in told.out for title in ("Probabilities", "Thresholds", '"Not sure"', "Sets and intervals"))
    found = mtl.load_model(out).calibration.decisions
    assert found["kids"].thresholds["yes"] < 0.5
    assert found["kids"].confidence is not None
    assert found["kind"].conformal.rows == (table.frame["kind"][1::2].notna().sum(),)
    assert main(words) == 2  # it is there
    assert "exists" in capsys.readouterr().err
    assert main([*words[:3], "--by-class"]) == 2
    assert main([*words[:3], "--out", "model.tflite"]) == 2
    frame.replace("valid", "test").to_csv(table.root / "labels.csv", index=False)
    assert main(words[:3]) == 2  # all others were trained on, or are for the report
    assert "the model was not trained on" in capsys.readouterr().err
    for wrong in ("recall=2", "cost=3", "f2", "cost=0:1", "precision=0.9:1"):
        with pytest.raises(SystemExit):
            main([*words[:3], "--decide", wrong])


def test_too_few_rows_make_sets_of_everything(model, table):
    report = mtl.conformal(model, table.take(range(1, 5)), level=0.9)
    assert report.loc["kind", "quantile"] == np.inf
    assert report.loc["kind", "note"] == "everything belongs: a level of 0.9 takes 9 rows"
    frame = mtl.predict(model, table.take(range(3)))
    assert all(len(told.split(";")) == 3 for told in frame["kind_set"])
    assert (frame["size_high"].dropna() == np.inf).all()
    nothing = table.frame.assign(kind=None, kids=None, step=None)
    left = mtl.conformal(model, mtl.data.LabelTable(nothing, HEADS, table.root))
    assert left.loc["kind", "note"] == "no labelled rows: no sets"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m, t: mtl.decide(m, t, "f1", recall=0.9),
            "one of by, recall, precision and costs, received: by and recall",
        ),
        (lambda m, t: mtl.decide(m, t, "f2"), "received: 'f2'"),
        (lambda m, t: mtl.decide(m, t, recall=95), r"`recall` in \(0, 1\)"),
        (lambda m, t: mtl.decide(m, t, costs={"miss": 3}), '"false alarm": 1'),
        (lambda m, t: mtl.abstain(m, t), "one of accuracy and coverage, received: none"),
        (lambda m, t: mtl.abstain(m, t, accuracy=2), "`accuracy`"),
        (lambda m, t: mtl.conformal(m, t, 90), "`level`"),
        (lambda m, t: mtl.conformal(m, t, score="raps"), "one of aps, lac, residual, scaled residual"),
    ],
)
def test_wrong_wishes_are_refused(model, table, call, message):
    with pytest.raises(ValueError, match=message):
        call(model, table)


def test_heads_that_cannot_are_named(model, table):
    for call in (mtl.decide, mtl.conformal):
        with pytest.raises(HeadError, match="received: 'point'"):
            call(model, table, heads=["point"])
    with pytest.raises(HeadError, match="received: 'size'"):
        mtl.abstain(model, table, coverage=0.5, heads=["size"])


@pytest.mark.parametrize(
    ("head", "config"),
    [
        ("kids", {"thresholds": {"no": 0.5}}),
        ("kids", {"thresholds": {"yes": 1.5}}),
        ("kind", {"thresholds": {"a": 0.5}}),
        ("kind", {"confidence": "high"}),
        ("point", {"conformal": {"level": 0.9, "score": "lac", "quantiles": [0.1], "rows": [9]}}),
    ],
)
def test_decisions_that_fit_no_head_are_refused(head, config):
    with pytest.raises(ValueError, match="Expected"):
        Calibration.from_config({"decisions": {head: config}}, HEADS)


def test_decisions_are_plain_values():
    fitted = Conformal(0.9, "lac", (0.2,), (50,))
    decisions = {"kids": Decision({"yes": 0.3}, 0.8, fitted), "tags": Decision({"zip": 0.4})}
    calibration = Calibration(decisions=decisions)
    assert Calibration.from_config(calibration.get_config(), HEADS) == calibration
    assert calibration.decided(HEADS)["tags"].threshold == [0.5, 0.4, 0.5]
