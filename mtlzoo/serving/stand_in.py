"""What predicts batches for a model or an exported file: with the distance from known images, where some are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mtlzoo.evaluation import running
from mtlzoo.serving.predictor import Predictor

if TYPE_CHECKING:
    from mtlzoo.models.known_images import KnownImages


def stand_in(network: Any, flipped: bool = False) -> tuple[Any, KnownImages | None]:
    """As :func:`mtlzoo.evaluation.running.stand_in`; an exported file that was opened stands for itself."""
    return (network, network.known) if isinstance(network, Predictor) else running.stand_in(network, flipped)
