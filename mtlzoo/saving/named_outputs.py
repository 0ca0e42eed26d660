"""What a network puts out, read as names and decisions in TensorFlow's own operations, so that a SavedModel can do it.

It says what :mod:`mtlzoo.evaluation.applicability` says: of classes, tags and numbers, and where a head is not asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mtlzoo.heads import BinaryHead, ExpectationHead, Head, MultiLabelHead, OrdinalHead
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.conditions import NOT_APPLICABLE, parents_first
from mtlzoo.heads.decisions import NOT_SURE, Decision, decided_heads
from mtlzoo.heads.tags import write_tags


def name_outputs(
    heads: Mapping[str, Head], outputs: Mapping[str, Any], decisions: Mapping[str, Decision] | None = None
) -> dict[str, Any]:
    """Named tensors of what a network says.

    Args:
        heads: The heads by name.
        outputs: The network's outputs by head, rows on the first axis.
        decisions: What was fitted: thresholds, and below which probability an answer is `not sure`; no sets and intervals.

    Returns:
        By the name of the head, texts `(rows,)`: the class, or the tags as one text; of other heads float32, the numbers,
        and places as the network has them. Of heads with names also `<head>_probability` `(rows,)` and
        `<head>_probabilities` `(rows, names)`. A head that is not asked says `not applicable`, or `NaN`; probabilities are
        those of being asked too.
    """
    import tensorflow as tf

    decisions = decisions or {}
    heads = decided_heads(heads, decisions)
    parts = {name: _read(head, outputs[name]) for name, head in heads.items()}
    asked = _asked(heads, parts)
    told = {}
    for name, (answer, probability, every, _) in parts.items():
        if name in asked:
            known, how_likely = asked[name]
            if answer.dtype == tf.string:
                answer = tf.where(known, answer, NOT_APPLICABLE)
            else:
                answer = tf.where(tf.reshape(known, (-1, *[1] * (len(answer.shape) - 1))), answer, float("nan"))
            if probability is not None:
                probability = tf.where(known, probability * how_likely, 1 - how_likely)
                every = every * how_likely[:, None]
        confidence = decisions[name].confidence if name in decisions else None
        if confidence and probability is not None:
            answer = tf.where(probability < confidence, NOT_SURE, answer)
        told[name] = answer
        if probability is not None:
            told[f"{name}_probability"], told[f"{name}_probabilities"] = probability, every
    return told


def _read(head: Head, output: Any) -> tuple[Any, Any, Any, Any]:
    """The answer, its probability, all probabilities, and which classes are given: bool `(rows, classes)`."""
    import tensorflow as tf

    output = tf.cast(output, tf.float32)
    if isinstance(head, ClassesHead):
        if isinstance(head, BinaryHead):
            output = tf.reshape(output, (-1, 1))
            ids, output = tf.cast(output[:, 0] >= head.threshold, tf.int32), tf.concat([1 - output, output], axis=1)
        elif isinstance(head, OrdinalHead):
            ids = tf.reduce_sum(tf.cast(tf.cumsum(output, axis=1)[:, :-1] < 0.5, tf.int32), axis=1)
        else:
            ids = tf.argmax(output, axis=1, output_type=tf.int32)
        names = tf.constant([str(name) for name in head.names])
        given = tf.one_hot(ids, len(head.names), True, False, dtype=tf.bool)
        return tf.gather(names, ids), tf.gather(output, ids, batch_dims=1), output, given
    if isinstance(head, MultiLabelHead):
        given = output >= tf.constant(head.threshold, tf.float32)
        sure = tf.reduce_min(tf.where(given, output, 1 - output), axis=1)
        return _tags(given, head), sure, output, given
    if isinstance(head, ExpectationHead):
        output = tf.linalg.matvec(output, tf.constant(head.bins, tf.float32))[:, None]
    return output, None, None, None


def _tags(given: Any, head: MultiLabelHead) -> Any:
    """The given tags as :func:`mtlzoo.heads.tags.write_tags` writes them."""
    import tensorflow as tf

    names = [str(name) for name in head.names]
    none, one, two = (write_tags(names[:count], names, head.separator) for count in (0, 1, 2))
    listed = one.startswith("[") and none == "[]"
    texts = [json.dumps(name, ensure_ascii=False) if listed else name for name in names]
    between = ", " if listed else two.removeprefix(texts[0]).removesuffix(texts[1]) if len(names) > 1 else ""
    earlier = tf.cumsum(tf.cast(given, tf.int32), axis=1, exclusive=True) > 0
    pieces = tf.where(given, tf.where(earlier, tf.constant([between + text for text in texts]), tf.constant(texts)), "")
    joined = tf.strings.reduce_join(pieces, axis=1)
    return tf.strings.join(["[", joined, "]"]) if listed else tf.where(tf.reduce_any(given, axis=1), joined, none)


def _asked(heads: Mapping[str, Head], parts: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """For each head with conditions whether it is asked, and how likely that is, see :mod:`mtlzoo.heads.conditions`."""
    import tensorflow as tf

    found: dict[str, tuple[Any, Any]] = {}
    for name in parents_first(heads):
        asked, likely = tf.constant(True), tf.constant(1.0)
        for parent, classes in (heads[name].only_if or {}).items():
            head, (_, _, every, given) = heads[parent], parts[parent]
            chosen = [list(map(str, head.names)).index(one) for one in classes]  # type: ignore[attr-defined]
            of_classes = tf.gather(every, chosen, axis=1)
            one_of_all = isinstance(head, ClassesHead)
            any_of = tf.reduce_sum(of_classes, 1) if one_of_all else 1 - tf.reduce_prod(1 - of_classes, 1)
            asked, likely = asked & tf.reduce_any(tf.gather(given, chosen, axis=1), axis=1), likely * any_of
            if parent in found:
                asked, likely = asked & found[parent][0], likely * found[parent][1]
        found[name] = asked, tf.clip_by_value(likely, 0.0, 1.0)
    return found
