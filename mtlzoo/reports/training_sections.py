"""What a model is, what it was trained on and how, as sections of a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from mtlzoo.html import details, figure, paragraph, section, table
from mtlzoo.plotting import plot_history
from mtlzoo.reports.facts import labels_by_part
from mtlzoo.reports.pieces import properties
from mtlzoo.reports.sources import VERSIONS, Sources


def model_section(sources: Sources) -> str:
    """The network and its heads."""
    return section("Model", properties(model_properties(sources)), table(_heads(sources), caption="Heads"))


def model_properties(sources: Sources) -> dict[str, object]:
    """The network in a few lines."""
    model, settings = sources.model, sources.settings
    found: dict[str, object] = {}
    if model is not None:
        height, width, channels = model.input_shape[1:]
        colour = "RGB" if channels == 3 else "gray" if channels == 1 else f"{channels} channels"
        found["Network"] = network_name(sources)
        found["Weights"] = f"{model.count_params():,}"
        found["Images"] = f"{height} x {width} pixels, {colour}, 0 to 255; resize: {model.resize}"
    if settings.get("weights"):
        found["Weights at first"] = settings["weights"]
    if sources.file is not None:
        found["File"] = f"{sources.file.name}, {sources.file.stat().st_size / 2**20:.1f} MiB"
    return found


def network_name(sources: Sources) -> str:
    """What the network is called."""
    told, model = sources.settings.get("backbone"), sources.model
    if told:
        return " ".join([str(told), *map(str, sources.settings.get("option") or ())])
    return "" if model is None else str(model.backbone.name)


def data_section(sources: Sources) -> str:
    """What it was trained on."""
    settings, labels = sources.settings, sources.labels
    parts = [] if labels is None else list(labels.columns[3:])
    counts = {"Table": sources.data, "Parts": _how_divided(sources)}
    for part in parts:
        rows = settings.get(f"{part}_rows")
        counts[f"Rows of {part}"] = "" if rows is None else f"{rows:,}"
    blocks = [properties(counts)]
    if labels is not None:
        counted = labels_by_part(labels, parts)
        blocks.append(table(counted, {counted.columns[-1]: ".0%"}, caption="Labelled rows of each head"))
        classes = labels[labels["counted"] == "class"].drop(columns="counted").reset_index(drop=True)
        if len(classes):
            blocks.append(details("Rows of each class", table(classes.rename(columns={"label": "class"}))))
    else:
        blocks.append(paragraph("The run folder does not say how many labels were trained on.", "note"))
    return section("Data", *blocks)


def training_section(sources: Sources) -> str:
    """Learning curves, recipe and versions."""
    blocks, recipe = [], sources.recipe
    if sources.history is not None:
        main = {name: head.metrics()[0].name for name, head in sources.predictions.heads.items()}
        known = {name: metric for name, metric in main.items() if f"{name}_{metric}" in sources.history}
        drawn = figure(plot_history(sources.history, metrics=known), "losses and scores by epoch")
        blocks.append(f'<div class="wide">{drawn}</div>')
    if recipe is not None:
        blocks.append(table(_stages(recipe), caption="Stages"))
        rest = {name: _written(value) for name, value in recipe.items() if name != "stages"}
        blocks.append(details("Recipe", properties(rest)))
    told = {name: _written(value) for name, value in sources.settings.items() if name not in (*VERSIONS, "recipe")}
    if told:
        blocks.append(details("What the command was told", properties(told)))
    versions = {name: sources.settings[name] for name in VERSIONS if name in sources.settings}
    if versions:
        blocks.append(properties(versions))
    return section("Training", *blocks) if blocks else ""


def _how_divided(sources: Sources) -> str:
    settings = sources.settings
    if "split" not in settings:
        return ""
    if settings["split"] is not None:
        return f"as the column {settings['split']} says"
    together = settings.get("group")
    return "by chance" if not together else f"by chance, with the rows of one {together} in one part"


def _heads(sources: Sources) -> pd.DataFrame:
    heads = sources.predictions.heads
    rows = {
        name: {"output": head.describe(), "asked only if": "; ".join(_conditions(head.only_if))}
        for name, head in heads.items()
    }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("head")
    return frame if frame["asked only if"].any() else frame[["output"]]


def _conditions(only_if: Mapping[str, list[str]] | None) -> list[str]:
    return [f"{parent} is {' or '.join(classes)}" for parent, classes in (only_if or {}).items()]


def _stages(recipe: Mapping[str, Any]) -> pd.DataFrame:
    stages = pd.DataFrame([{name: _written(value) for name, value in stage.items()} for stage in recipe["stages"]])
    told = [name for name in stages if stages[name].ne("").any()]
    return stages[told].rename_axis("stage").rename(index=lambda place: place + 1)


def _written(value: Any) -> str:
    """A setting as a page shows it; nothing for those that are not set."""
    if value is None or value == [] or value is False:
        return ""
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return " ".join(map(str, value))
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
