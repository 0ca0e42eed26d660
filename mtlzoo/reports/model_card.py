"""The model card: Markdown with the metadata that Hugging Face reads (https://huggingface.co/docs/hub/model-cards).

The form of the results is `model-index`, https://github.com/huggingface/hub-docs/blob/main/modelcard.md.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mtlzoo.data.label_counts import LABELLED
from mtlzoo.heads import DetectionHead, Head, LandmarkHead
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.multilabel import MultiLabelHead
from mtlzoo.reports.facts import Facts
from mtlzoo.reports.training_sections import model_properties

# Metrics by the names that they have at https://huggingface.co/metrics.
METRICS = {"accuracy": "accuracy", "f1": "f1", "macro_f1": "f1", "auc": "roc_auc", "mae": "mae"}


def model_card(facts: Facts, license: str | None = None) -> str:
    """The card of a model.

    Args:
        facts: The numbers of its report.
        license: The identifier of its licence, such as `"apache-2.0"`; none is named by default.

    Returns:
        The text of `README.md`.
    """
    metadata = "\n".join(_yaml(card_metadata(facts, license)))
    return f"---\n{metadata}\n---\n\n{_text(facts)}"


def card_metadata(facts: Facts, license: str | None = None) -> dict[str, Any]:
    """The metadata of the card, in plain JSON values; arguments as for :func:`model_card`."""
    sources, tasks = facts.sources, {name: _task(pair.head) for name, pair in facts.pairs.items()}
    found: dict[str, Any] = {"license": license, "library_name": "keras", "tags": ["mtlzoo", "multi-task-learning"]}
    kinds = list(dict.fromkeys(task for task in tasks.values() if task != "other"))
    if kinds:
        found["pipeline_tag"] = kinds[0]
    results = []
    for name, own in facts.heads.iterrows():
        if not math.isfinite(own["value"]):
            continue
        metric = {"type": METRICS.get(own["metric"], own["metric"]), "value": round(float(own["value"]), 4)}
        results.append(
            {
                "task": {"type": tasks[str(name)], "name": str(name)},
                "dataset": {"type": _slug(sources.data), "name": sources.data, "config": str(name), "split": "test"},
                "metrics": [{**metric, "name": f"{name}: {own['metric']}"}],
            }
        )
    if results:
        found["metrics"] = list(dict.fromkeys(METRICS.get(metric, metric) for metric in facts.heads["metric"]))
        found["model-index"] = [{"name": sources.name, "results": results}]
    return {name: value for name, value in found.items() if value is not None}


def _text(facts: Facts) -> str:
    sources = facts.sources
    heads = sources.predictions.heads
    blocks = [
        f"# {_plain(sources.name)}",
        f"One image goes in, {len(heads)} predictions come out: {', '.join(map(_plain, heads))}. Trained with "
        "[mtlzoo](https://pypi.org/project/mtlzoo/) on Keras.",
        "## Model",
        "\n".join(f"- {name}: {_plain(value)}" for name, value in model_properties(sources).items() if value),
        _rows(["head", "output"], [[name, head.describe()] for name, head in heads.items()]),
        "## Use",
        _use(sources.file.name if sources.file is not None else "model.h5"),
        "## Intended use",
        "To be written by who publishes it: whom it is for, what for, and what it must not be used for.",
        "## Training data",
        *_data(facts),
        "## Evaluation",
        f"On {len(sources.predictions):,} test rows, which training has not seen. The baseline does not look at the image: "
        "the most frequent class, or the mean of the labels.",
        _rows(
            ["head", "test rows", "metric", "value", "95 % interval", "baseline"],
            [
                [
                    *(name, f"{own['labelled']:,}", own["metric"], f"{own['value']:.3f}"),
                    *(f"{own['low']:.3f} to {own['high']:.3f}", f"{own['baseline']:.3f}"),
                ]
                for name, own in facts.heads.iterrows()
            ],
        ),
        "## Limitations",
        "\n".join(f"- {_plain(sentence)}" for sentence in facts.sentences()),
        "Metrics are those of images like the ones in the table; others may be another matter.",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _data(facts: Facts) -> Iterator[str]:
    sources, labels = facts.sources, facts.sources.labels
    rows = sources.settings.get("train_rows")
    known = f"{rows:,} rows of `{sources.data}`" if rows else f"`{sources.data}`"
    yield f"Trained on {known}; labels may be missing, and do not count where they are."
    if labels is not None and "train" in labels:
        counts = labels[labels["counted"] == LABELLED]
        yield _rows(["head", "labelled training rows"], [[row.head, f"{row.train:,}"] for row in counts.itertuples()])


def _use(file: str) -> str:
    return (
        f'```python\nimport mtlzoo as mtl\n\nmodel = mtl.load_model("{file}")\n'
        'print(mtl.predict(model, "image.jpg"))\n```\n\n'
        f'Or in Keras alone: `keras.models.load_model("{file}")`; images are RGB from 0 to 255, the outputs are named as '
        "the heads are."
    )


def _task(head: Head) -> str:
    """The task of a head by the names that Hugging Face has for them."""
    if isinstance(head, ClassesHead | MultiLabelHead):
        return "image-classification"
    if isinstance(head, DetectionHead):
        return "object-detection"
    return "keypoint-detection" if isinstance(head, LandmarkHead) else "other"


# === Markdown and YAML ===


def _rows(columns: list[str], rows: list[list[Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) if rows else ""


def _plain(value: object) -> str:
    """A text in which Markdown and HTML see nothing of their own."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", " ".join(str(value).split()))


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "table"


def _yaml(value: Any, indent: str = "") -> Iterator[str]:
    """Lines of YAML; texts are written as JSON, which YAML reads as they are (https://yaml.org/spec/1.2.2/#12-overview)."""
    items = value.items() if isinstance(value, Mapping) else ((None, each) for each in value)
    for name, each in items:
        start = (
            f"{indent}-"
            if name is None
            else f"{indent}{json.dumps(name) if not re.fullmatch(r'[a-z_-]+', name) else name}:"
        )
        if isinstance(each, Mapping | list) and each:
            lines = list(_yaml(each, indent + "  "))
            if name is None:
                yield f"{start} {lines[0].lstrip()}"
                yield from lines[1:]
            else:
                yield start
                yield from lines
        else:
            yield f"{start} {json.dumps(each, ensure_ascii=False)}"
