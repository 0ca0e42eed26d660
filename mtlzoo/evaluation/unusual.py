"""What is said of images that are unlike those of the training."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mtlzoo.models.known_images import UNUSUAL


def unusual_column(heads: Iterable[str]) -> str:
    """What the column of unusual images is called beside these heads."""
    return "unusual" if "unusual" not in heads else "unusual_image"


def mean_unusual(given: Iterable[np.ndarray | None]) -> np.ndarray | None:
    """The mean over those networks that tell; `None` if none does."""
    told = [each for each in given if each is not None]
    return np.mean(told, axis=0) if told else None


def count_unusual(unusual: np.ndarray) -> str:
    """How many images are unusual, as a sentence.

    Args:
        unusual: As :attr:`Predictions.unusual` has it.
    """
    found = int((unusual >= UNUSUAL).sum())
    usual = f"one in {round(1 / (1 - UNUSUAL))} of such as the model was validated on would be"
    return f"{found} of {len(unusual)} images {'is' if found == 1 else 'are'} unusual; {usual}."
