"""Tables of small images whose colours tell their labels, so that a tiny network can learn them in seconds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from mtlzoo.data import LabelTable
from mtlzoo.heads import BinaryHead, ClassificationHead, Head, RegressionHead

COLORS = ["blue", "green", "red"]


def draw_table(folder: Path, rows: int = 48, size: tuple[int, int] = (24, 20), seed: int = 0) -> LabelTable:
    """Images of one colour, bright or dark: heads `color`, `bright` and `level`, a third of each label missing."""
    rng = np.random.default_rng(seed)
    images, color, bright = [f"{row}.png" for row in range(rows)], np.arange(rows) % 3, np.arange(rows) // 3 % 2
    for image, channel, light in zip(images, color, bright):
        picture = np.full((*size, 3), 40, np.uint8)
        picture[..., channel] = 240 if light else 140
        noisy = np.clip(picture + rng.normal(0, 8, picture.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / image), noisy)
    frame = pd.DataFrame(
        {
            "image": images,
            "color": np.array(COLORS, object)[color],
            "bright": np.where(bright, "yes", "no").astype(object),
            "level": (color + 3.0 * bright).astype(object),
            "weight": rng.integers(1, 4, rows).astype(float),
        }
    )
    for name in ("color", "bright", "level"):
        frame.loc[rng.permutation(rows)[: rows // 3], name] = None
    heads: dict[str, Head] = {"color": ClassificationHead(COLORS), "bright": BinaryHead(), "level": RegressionHead()}
    return LabelTable(frame, heads, root=folder, source="drawn.csv", first_line=2)
