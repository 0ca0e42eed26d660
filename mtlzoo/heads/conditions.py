"""Heads that are asked only where other heads have certain labels: `only_if={"garment": ["skirt", "dress"]}`.

Such heads make a tree, as classes do in hierarchical classification (Silla and Freitas 2011, doi:10.1007/s10618-010-0175-9):
a head's output is conditional on its parents, which it says nothing about. Where a parent's label rules a head out, the head
has no label and no part in the loss; where a parent's prediction does, the head's prediction is "not applicable".
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlzoo.errors import HeadError
from mtlzoo.heads.texts import shorten

if TYPE_CHECKING:
    from mtlzoo.heads.base import Head

NOT_APPLICABLE = "not applicable"
"""What is predicted where a head is not asked."""

# What a parent says of a row: the head is not asked, nobody knows, it is asked. The least of several parents decides.
NO, UNKNOWN, YES = 0, 1, 2


def normalize(only_if: Mapping[str, Any] | None) -> dict[str, list[str]] | None:
    """Conditions as a head keeps them, in plain JSON values.

    Args:
        only_if: Classes by the name of the parent, or one class. `None` or nothing: no condition.

    Raises:
        HeadError: If it is anything else.
    """
    if only_if is not None and not isinstance(only_if, Mapping):
        raise HeadError(
            f'Expected `only_if` as a dictionary such as {{"garment": ["skirt", "dress"]}}, received: {only_if!r}.'
        )
    conditions = {}
    for parent, classes in (only_if or {}).items():
        if isinstance(classes, str | bool | int):
            classes = [classes]
        named = not isinstance(classes, Mapping) and all(isinstance(one, str | int | np.integer) for one in classes)
        if not isinstance(parent, str) or not named or not len(classes):
            raise HeadError(
                f"Expected `only_if` to list at least one class of each parent, received for {parent!r}: {classes!r}."
            )
        conditions[parent] = list(dict.fromkeys(str(one) for one in classes))
    return conditions or None


def check_conditions(heads: Mapping[str, Head], complete: bool = False) -> None:
    """Refuse conditions that cannot be met.

    Args:
        heads: The heads by name.
        complete: Whether each parent has to be among them, as in a model; a table may have the child alone.

    Raises:
        HeadError: If a parent is missing or has no classes, a class is unknown, or heads depend on each other in a circle.
    """
    for name, head in heads.items():
        if head.only_if and NOT_APPLICABLE in class_names(head):
            raise HeadError(
                f"Head {name!r}: expected no class {NOT_APPLICABLE!r} beside `only_if`, which says that by itself; let such "
                "cells be missing ones."
            )
        for parent, classes in (head.only_if or {}).items():
            if parent in heads:
                _check_classes(name, parent, heads[parent], classes)
            elif complete:
                raise HeadError(
                    f"Head {name!r} is asked only if {parent!r} is {shorten(classes)}: expected a head {parent!r} "
                    f"beside it, received: {shorten(list(heads))}. Add it, or drop the condition: "
                    "head.with_settings(only_if=None)."
                )
    for name in heads:
        path = _circle(heads, (name,))
        if path:
            raise HeadError(f"Expected heads that do not depend on themselves, received: {' -> '.join(path)}.")


def _check_classes(name: str, parent: str, head: Head, classes: list[str]) -> None:
    names = class_names(head)
    if not names:
        raise HeadError(
            f"Head {name!r}: expected `only_if` to name a head with classes or tags, received {parent!r}, a "
            f"{type(head).__name__}."
        )
    unknown = next((one for one in classes if one not in names), None)
    if unknown is not None:
        near = difflib.get_close_matches(unknown, names, 1)
        told = f"did you mean {near[0]!r}?" if near else f"the classes are: {shorten(names)}."
        raise HeadError(f"Head {name!r} is asked only if {parent!r} is {unknown!r}, which it never is; {told}")


def _circle(heads: Mapping[str, Head], path: tuple[str, ...]) -> tuple[str, ...]:
    """The way from a head over its parents back to itself; empty if there is none."""
    for parent in (heads[path[-1]].only_if or {}) if path[-1] in heads else ():
        if parent == path[0]:
            return (*path, parent)
        if parent not in path:
            found = _circle(heads, (*path, parent))
            if found:
                return found
    return ()


def class_names(head: Head) -> list[str]:
    """The classes or tags that a head puts rows into; none if it has no such thing."""
    return list(getattr(head, "names", ())) if head.groups(head.encode([None])) is not None else []


def parents_first(heads: Mapping[str, Head]) -> Iterator[str]:
    """The names of heads with conditions, each after its parents."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in done or name not in heads:
            return
        done.add(name)
        for parent in heads[name].only_if or {}:
            yield from visit(parent)
        if heads[name].only_if:
            yield name

    for name in heads:
        yield from visit(name)


# === Labels ===


def asked_by_labels(heads: Mapping[str, Head], labels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Which rows a head is asked for, as far as the labels of its parents tell.

    Args:
        heads: The heads by name, any of which may be missing.
        labels: Encoded targets by head, rows on the first axis.

    Returns:
        For each head with conditions, int8 `(rows,)`: 0 where some parent's label rules it out, 2 where all of them ask for
        it, 1 where that is not known.

    Example:

    ```python
    heads = {"item": mtl.ClassificationHead(["milk", "pear"]), "fat": mtl.RegressionHead(only_if={"item": "milk"})}
    labels = {"item": heads["item"].encode(["milk", "pear", None])}
    mtl.heads.conditions.asked_by_labels(heads, labels)  # {"fat": [2, 0, 1]}
    ```
    """

    def states(parent: str, classes: list[str]) -> np.ndarray | None:
        if parent not in labels or parent not in heads:
            return None
        chosen, known = _indices(heads[parent], classes), heads[parent].strata(labels[parent])
        if known.ndim == 1:  # the class of each row
            asked, ruled_out = np.isin(known, chosen), (known >= 0) & ~np.isin(known, chosen)
        else:  # for each tag, whether it is given
            asked, ruled_out = (known[:, chosen] == 1).any(axis=-1), (known[:, chosen] == 0).all(axis=-1)
        return np.where(asked, YES, np.where(ruled_out, NO, UNKNOWN)).astype("int8")

    return _combine(heads, states, len(next(iter(labels.values()), ())))


def without_inapplicable(heads: Mapping[str, Head], labels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The labels, those missing that a parent's label rules out.

    Args:
        heads: The heads by name.
        labels: Encoded targets by head, rows on the first axis; arrays without such a label are given back themselves.
    """
    masked = dict(labels)
    # As `Head.encode` or `Head.check` gives them, of which the missing ones are known.
    for name, states in asked_by_labels(heads, labels).items():
        if name in masked:
            masked[name] = _without_rows(heads[name], masked[name], states == NO)
    return masked


def _without_rows(head: Head, targets: np.ndarray, rows: np.ndarray) -> np.ndarray:
    rows = rows & head.labelled(targets)
    if not rows.any():
        return targets
    missing = head.encode([None])
    changed = targets.copy()
    if missing.ndim != targets.ndim:
        changed[rows] = 0  # soft labels, rows of probabilities, are missing as rows of zeros
    else:
        changed[rows] = missing[0] if missing.shape[1:] == targets.shape[1:] else missing.flat[0]
    return changed


# === Predictions ===


def asked_by_predictions(heads: Mapping[str, Head], outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Which rows a head is asked for by what its parents predict, so that no two predictions contradict each other.

    Args:
        heads: The heads by name, any of which may be missing.
        outputs: The network's outputs by head, rows on the first axis.

    Returns:
        For each head with conditions, bool `(rows,)`.
    """

    def states(parent: str, classes: list[str]) -> np.ndarray | None:
        if parent not in outputs or parent not in heads:
            return None
        chosen, ids = _indices(heads[parent], classes), heads[parent].details(outputs[parent])["class_ids"]
        asked = np.isin(ids, chosen) if ids.ndim == 1 else (ids[:, chosen] > 0).any(axis=-1)
        return np.where(asked, YES, NO).astype("int8")

    found = _combine(heads, states, len(next(iter(outputs.values()), ())))
    return {name: values != NO for name, values in found.items()}


def probability_asked(heads: Mapping[str, Head], outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The probability that a head is asked: those of its parents' classes, times that of each parent being asked itself.

    Args:
        heads: The heads by name, any of which may be missing.
        outputs: The network's outputs by head, rows on the first axis.

    Returns:
        For each head with conditions, float32 `(rows,)`. Several tags of one parent, and several parents, are taken as
        independent of each other.
    """
    found: dict[str, np.ndarray] = {}
    rows = len(next(iter(outputs.values()), ()))
    for name in parents_first(heads):
        product = np.ones(rows, "float32")
        for parent, classes in (heads[name].only_if or {}).items():
            if parent in outputs and parent in heads:
                details = heads[parent].details(outputs[parent])
                of_classes = details["probabilities"][:, _indices(heads[parent], classes)]
                one_of_all = details["class_ids"].ndim == 1
                product = product * (of_classes.sum(axis=-1) if one_of_all else 1 - (1 - of_classes).prod(axis=-1))
                product = product * found.get(parent, 1.0)
        found[name] = np.clip(product, 0.0, 1.0).astype("float32")
    return found


def _indices(head: Head, classes: list[str]) -> list[int]:
    names = class_names(head)
    return [names.index(name) for name in classes]


def _combine(
    heads: Mapping[str, Head], states: Callable[[str, list[str]], np.ndarray | None], rows: int
) -> dict[str, np.ndarray]:
    """For each head with conditions what all of its parents say together, parents that are not asked themselves too."""
    found: dict[str, np.ndarray] = {}
    for name in parents_first(heads):
        combined = np.full(rows, YES, "int8")
        for parent, classes in (heads[name].only_if or {}).items():
            said = states(parent, classes)
            said = np.full(rows, UNKNOWN, "int8") if said is None else said
            if parent in found:
                said = np.where(found[parent] == NO, NO, said).astype("int8")
            combined = np.minimum(combined, said)
        found[name] = combined
    return found
