"""What predicts batches for a model or an exported file: with the distance from known images, where some are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mtlzoo.serving.predictor import Predictor

if TYPE_CHECKING:
    from mtlzoo.models.known_images import KnownImages


def stand_in(network: Any, flipped: bool = False) -> tuple[Any, KnownImages | None]:
    """What predicts in place of a network, and the images that it knows.

    Args:
        network: A model, or an exported file that was opened.
        flipped: Whether a model is shown the mirror image too.

    Raises:
        TypeError: If the model has no heads.
    """
    if isinstance(network, Predictor):
        return network, network.known
    from mtlzoo.evaluation.measuring import Measured
    from mtlzoo.evaluation.mirrored import FlippedToo
    from mtlzoo.models.multitask import check_model

    check_model(network)
    measured = Measured.of(network)
    known = None if measured is None else measured.made_of[0]
    if flipped:
        return FlippedToo(network, measured), known
    return (network if measured is None else measured), known
