"""The page of a model and its card: what is promised is there, and nothing that a label says becomes HTML or Markdown."""

from __future__ import annotations

import dataclasses
import json
import re

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.errors import OutputError
from mtlzoo.evaluation import Predictions
from mtlzoo.reports import Training
from mtlzoo.reports.comparison_page import comparison_page
from mtlzoo.reports.facts import find_facts
from mtlzoo.reports.mistake_cards import mistake_cards
from mtlzoo.reports.model_card import model_card
from mtlzoo.reports.sources import Sources

EVIL = '<img src=x onerror=alert(1)> | "`*'


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> mtl.data.LabelTable:
    """Twenty-four images, of two cameras; a class whose name is HTML and Markdown."""
    folder, rng = tmp_path_factory.mktemp("reported"), np.random.default_rng(0)
    rows = []
    for row in range(24):
        cv2.imwrite(str(folder / f"{row}.png"), rng.integers(0, 256, (20, 30, 3), "uint8"))
        kind = None if row % 5 == 4 else (EVIL, "b", "c")[row % 3]
        rows.append({"image": f"{row}.png", "kind": kind, "price": row, "corner": "5,5", "camera": "xy"[row % 2]})
    heads = {
        "kind": mtl.ClassificationHead([EVIL, "b", "c"]),
        "price": mtl.RegressionHead(only_if={"kind": [EVIL, "b"]}),
        "corner": mtl.LandmarkHead(1, format="xy"),
    }
    return mtl.data.LabelTable(pd.DataFrame(rows), heads, root=folder, source="things.csv")


@pytest.fixture(scope="module")
def model(table) -> mtl.MultiTaskModel:
    keras.utils.set_random_seed(0)
    images = keras.Input((16, 16, 3))
    backbone = keras.Model(images, keras.layers.Conv2D(4, 3, strides=2, activation="relu")(images), name="tiny")
    return mtl.build(backbone, table.heads, (16, 16, 3), weights=None)


@pytest.fixture(scope="module")
def page(model, table, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    history = pd.DataFrame({"epoch": [1, 2], "loss": [1.0, 0.5], "val_loss": [1.1, 0.9]})
    training = Training(table, table, history, "default")
    assert mtl.report(model, table, path, training=training, mistakes=2, card=path.with_name("README.md")) == ""
    return path.read_text(encoding="utf-8")


def test_every_part_is_there(page):
    sections = [
        "Summary",
        "Results",
        "By group",
        "Calibration",
        "Confusion",
        "Worst mistakes",
        "Data",
        "Model",
        "Training",
    ]
    assert re.findall(r"<h2>(.*?)</h2>", page) == sections
    assert page.count('alt="the image"') == 2 * 3
    assert page.count('alt="where kind looked"') == 2
    assert "camera" in page


def test_labels_are_text_and_nothing_comes_from_elsewhere(page):
    assert "onerror=alert" in page
    assert "<img src=x" not in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)


def test_the_card_is_one_that_hugging_face_reads(model, table):
    facts = find_facts(Sources("my model: v1", Predictions.from_model(model, table), model))
    text = model_card(facts, license="apache-2.0")
    assert "<img src=x" not in text.split("---")[2]
    hub = pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")
    card = hub.ModelCard(text)
    assert card.data.license == "apache-2.0"
    assert card.data.model_name == "my model: v1"
    values = {result.dataset_config: result.metric_value for result in card.data.eval_results}
    assert values == {name: pytest.approx(value, abs=1e-4) for name, value in facts.heads["value"].items()}
    hub.ModelCardData(**{"model_name": "x", **card.data.to_dict()})
    assert card.text.lstrip().startswith("# my model: v1")


def test_facts_are_those_of_the_report(model, table):
    predictions = Predictions.from_model(model, table)
    facts, report = find_facts(Sources("m", predictions, model)), predictions.evaluate()
    assert facts.heads["value"].tolist() == report["value"].iloc[:3].tolist()
    assert set(facts.groups.index.get_level_values("by")) == {"all", "camera"}
    assert not facts.heads["beats"].any()  # of an untrained network
    assert "Not so: kind, price and corner." in facts.sentences()


def test_images_that_are_gone_are_told_of_in_one_line(model, table, tmp_path):
    gone = dataclasses.replace(table, root=tmp_path)
    facts = find_facts(Sources("m", Predictions.from_model(model, table), model))
    predictions = dataclasses.replace(facts.sources.predictions, table=gone)
    found = mistake_cards(find_facts(Sources("m", predictions, model)), 2)
    assert "are not there, such as" in found.problem
    assert "--images" in found.problem
    assert "<img" not in found.html
    assert "0 to" not in found.html
    assert ".png" in found.html


def test_what_is_missing_or_there_already_is_said(model, table, tmp_path):
    with pytest.raises(ValueError, match="a run folder alone, or a model with its test rows"):
        mtl.report(model, table)
    with pytest.raises(ValueError, match="a run folder alone"):
        mtl.report(tmp_path, table)
    with pytest.raises(FileNotFoundError, match="No such run folder"):
        mtl.report(tmp_path / "nothing")
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(OutputError):
        mtl.report(model, table, tmp_path / "report.html", card=tmp_path / "README.md")
    assert not (tmp_path / "report.html").exists()


def test_what_a_report_reads_is_no_place_for_it(tmp_path):
    for name in ("predictions.npz", "model.h5"):
        (tmp_path / name).write_bytes(b"all there is")
        for places in ({"path": tmp_path / name}, {"card": tmp_path / name}):
            with pytest.raises(OutputError):
                mtl.report(tmp_path, **places, overwrite=True)
        assert (tmp_path / name).read_bytes() == b"all there is"


def test_runs_may_be_called_like_columns(model, table):
    predictions = Predictions.from_model(model, table)
    comparison = mtl.compare({"labelled": predictions, "p": predictions})
    shown, text = comparison.table(), comparison_page(comparison)
    assert list(shown) == ["labelled", "run labelled", "p", "p: difference", "p: verdict"]
    assert shown["labelled"].iloc[0] == 20
    assert re.findall(r"<th scope=\"col\"[^>]*>(?:<button[^>]*>)?([^<]*)", text)[3:5] == ["labelled", "run p"]


def test_a_comparison_becomes_a_page(model, table, tmp_path):
    comparison = mtl.compare({"one": model, "two <b>": model}, table)
    path = comparison.to_html(tmp_path / "comparison.html")
    text = path.read_text(encoding="utf-8")
    assert "two &lt;b&gt; is not really different from one over all heads" in text
    assert "<b>" not in text
    with pytest.raises(OutputError):
        comparison.to_html(path)
    assert (
        json.dumps(comparison.table().reset_index()["head"].tolist())
        == '["kind", "price", "corner", "price", "all heads"]'
    )


def test_unusual_images_are_listed_where_the_model_knows_some(table, page, tmp_path):
    assert "Unusual images" not in page
    keras.utils.set_random_seed(0)
    images = keras.Input((16, 16, 3))
    backbone = keras.Model(images, keras.layers.Conv2D(8, 3, strides=2, activation="relu")(images), name="tiny")
    model = mtl.build(backbone, table.heads, (16, 16, 3), weights=None)
    dark = np.random.default_rng(0).integers(0, 9, (80, 16, 16, 3), "uint8")
    mtl.know_images(model, dark[:40], dark[40:])
    mtl.report(model, table, tmp_path / "report.html", mistakes=0)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    found = text[text.index(">Unusual images</h2>") :].partition("</section>")[0]
    unusual = mtl.predict(model, table)["unusual"]
    assert f"{int((unusual >= 0.99).sum())} of 24 images" in found
    assert ("0.png" in found) == bool(unusual[0] >= 0.99)
