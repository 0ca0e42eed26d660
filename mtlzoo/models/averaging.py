"""One model of several: the mean of their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from mtlzoo.heads import Head
from mtlzoo.models.calibrated import Calibration
from mtlzoo.models.multitask import MultiTaskModel, check_model


def average(models: Sequence[MultiTaskModel], weights: Sequence[float] | None = None) -> MultiTaskModel:
    """A model whose weights are the mean of those of several models, a model soup (Wortsman et al. 2022, arXiv:2203.05482).

    It costs what one of them costs, and is often better than each, if all of them were fine-tuned from the same weights:
    with other settings, other seeds, or to other epochs. Of models that were trained from random weights, or from one head's
    random weights each, the mean is of no use: warm the heads up once, and go on from there several times.

    The statistics of batch normalisation are averaged too, which those of the mean network are not quite; look at the
    validation rows, or let a short further training set them right.

    Args:
        models: Two or more models of equal architecture, with equal heads.
        weights: How much each counts, numbers of at least 0, `None` for the same.

    Returns:
        A new model, not compiled, with the heads of the first.

    Raises:
        TypeError: If one of them has no heads.
        ValueError: If there is none, or they differ in their layers or heads; or the weights do not fit.

    Example:

    ```python
    soup = mtl.average([model, model.with_heads(model.heads)])
    mtl.evaluate(soup, valid)
    ```
    """
    models = list(models)
    if not models:
        raise ValueError("Expected at least one model, received none.")
    for model in models:
        check_model(model)
        _check_alike(models[0], model)
    factors = _factors(weights, len(models))
    result = models[0].with_heads(models[0].heads)
    result.calibration = Calibration()
    for variable, *values in zip(*(model.network_weights for model in (result, *models)), strict=True):
        arrays = [keras.ops.convert_to_numpy(value.value) for value in values]
        mean = sum(factor * array.astype("float64") for factor, array in zip(factors, arrays))
        if not np.issubdtype(arrays[0].dtype, np.integer):  # as a generator's state is
            variable.assign(np.asarray(mean).astype(arrays[0].dtype))
    return result


def _check_alike(first: MultiTaskModel, other: MultiTaskModel) -> None:
    """Refuse a model that another cannot be averaged with.

    Raises:
        ValueError: If heads, what they have learned, inputs or layers differ; it says what.
    """
    if first.heads.keys() != other.heads.keys():
        raise ValueError(
            f"Expected models with the same heads ({', '.join(first.heads)}), received one with: {', '.join(other.heads)}."
        )
    for name, head in first.heads.items():
        if _meaning(head) != _meaning(other.heads[name]):
            raise ValueError(
                f"Expected models with the same heads, received two that differ in {name!r}: {head!r} and "
                f"{other.heads[name]!r}."
            )
    for what, one, two in (
        ("input", first.input_shape, other.input_shape),
        ("`resize`", first.resize, other.resize),
        ("weights", _shapes(first), _shapes(other)),
    ):
        if one != two:
            shown = (
                f", {one} and {two}"
                if what != "weights"
                else f": {first.count_params():,} and {other.count_params():,}"
            )
            raise ValueError(f"Expected models of equal architecture, received two that differ in their {what}{shown}.")


def _meaning(head: Head) -> Mapping[str, object]:
    """What of a head says what its weights mean."""
    learned = {name: getattr(head, name) for name in head.learned_units}
    return {
        "kind": head.encoding_key(),
        "hidden": head.hidden,
        "activation": head.activation,
        "tower": head.tower,
        **learned,
    }


def _shapes(model: MultiTaskModel) -> list[tuple[int, ...]]:
    return [tuple(variable.shape) for variable in model.network_weights]


def _factors(weights: Sequence[float] | None, count: int) -> list[float]:
    """The factor of each model; they sum to 1.

    Raises:
        ValueError: If there are not as many as models, or they are no such numbers.
    """
    given = np.ones(count) if weights is None else np.asarray(weights, "float64")
    if given.shape != (count,) or not (given >= 0).all() or not 0 < given.sum() < np.inf:
        raise ValueError(f"Expected {count} `weights` of at least 0, not all 0, received: {weights!r}.")
    return (given / given.sum()).tolist()
