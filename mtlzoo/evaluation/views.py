"""Several outputs for one image, and their mean: of the image and its mirror image, or of several networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlzoo.heads import Head
from mtlzoo.images.geometry import ImageGeometry

if TYPE_CHECKING:
    from mtlzoo.models import MultiTaskModel

TEST_TIME_AUGMENTATIONS = ("flip",)


def check_test_time_augmentation(chosen: str | None) -> str | None:
    """The name of a test-time augmentation, `None` for none.

    Raises:
        ValueError: If there is none of this name; the message lists those that there are.
    """
    if chosen is not None and chosen not in TEST_TIME_AUGMENTATIONS:
        raise ValueError(
            f"Expected `test_time_augmentation` to be None or one of {', '.join(TEST_TIME_AUGMENTATIONS)}, received: "
            f"{chosen!r}."
        )
    return chosen


def list_models(model: MultiTaskModel | Sequence[MultiTaskModel]) -> list[MultiTaskModel]:
    """A model, or several, as a list.

    Raises:
        ValueError: If there is none.
        TypeError: If one of them has no heads.
    """
    from mtlzoo.models.multitask import check_model  # and with it Keras, which what reads predictions does without

    models: list[Any] = list(model) if isinstance(model, list | tuple) else [model]
    for each in models:
        check_model(each)
    if not models:
        raise ValueError("Expected at least one model, received none.")
    return models


def mean_outputs(
    outputs: Sequence[Mapping[str, np.ndarray]], heads: Sequence[Mapping[str, Head]]
) -> dict[str, np.ndarray]:
    """The mean of what several networks put out for the same images, by the name of the head.

    Args:
        outputs: For each network its outputs by head.
        heads: For each network its heads.

    Raises:
        ValueError: If they have not the same heads, or one puts out objects in cells, which have no mean.
    """
    for name in dict.fromkeys(name for each in heads for name in each):
        kinds = {each[name].encoding_key() if name in each else None for each in heads}
        shapes = {array[name].shape for array in outputs if name in array}
        if len(kinds) > 1 or len(shapes) > 1:
            raise ValueError(f"Expected models with the same heads, received some that differ in {name!r}.")
        if heads[0][name].display()["show"] == "boxes":
            raise ValueError(
                f"Expected heads whose outputs have a mean, received {name!r}: objects in cells have none."
            )
    return {
        name: np.asarray(np.mean([each[name] for each in outputs], axis=0), outputs[0][name].dtype) for name in heads[0]
    }


def check_same_geometry(geometries: Sequence[ImageGeometry]) -> None:
    """Refuse places that are relative to different parts of the images.

    Raises:
        ValueError: If images do not come to input space in the same way.
    """
    corners = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]])
    places = [geometry.to_input_points(np.tile(corners, (len(geometry), 1, 1))) for geometry in geometries]
    if any(each.shape != places[0].shape or not np.allclose(each, places[0], atol=0.01) for each in places[1:]):
        raise ValueError("Expected models whose images come to their inputs in the same way, received others.")


def read_only(array: np.ndarray) -> np.ndarray:
    """A view of an array through which nothing can be written."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
