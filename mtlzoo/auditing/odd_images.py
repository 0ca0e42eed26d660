"""Images that cannot be read, or are hardly what was meant."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtlzoo.auditing.looking import Looks
from mtlzoo.data import LabelTable
from mtlzoo.data.columns import IMAGE
from mtlzoo.data.correction_files import row_numbers

COLUMNS = ["row", "image", "problem", "height", "width"]
BLANK = 2.0  # contrast: nothing to be seen
DARK, BRIGHT = 8.0, 247.0  # mean of the pixels
SMALL = 32  # pixels along a side
ASPECT = 4.0
UNUSUAL = 4.0  # times smaller or larger than the median


def find_odd_images(table: LabelTable, looks: Looks) -> pd.DataFrame:
    """The rows whose images need a look, those that cannot be read first.

    Args:
        table: The rows.
        looks: What their images look like.

    Returns:
        A frame with one line for each problem: `row`, `image`, `problem`, and `height` and `width` in pixels, 0 where
        unreadable.
    """
    numbers, images = row_numbers(table), table.frame[IMAGE].tolist()
    lines = [[numbers[row], images[row], f"unreadable: {reason}", 0, 0] for row, reason in looks.reasons.items()]
    readable = looks.readable
    sizes = looks.sizes[readable].astype("float64")
    usual = float(np.median(np.sqrt(sizes.prod(axis=1)))) if len(sizes) else 0.0
    for row, (height, width) in zip(readable, sizes):
        side, low, high = np.sqrt(height * width), min(height, width), max(height, width)
        brightness, problems = looks.brightness[row], []
        if looks.contrast[row] < BLANK:
            problems.append("blank")
        elif brightness < DARK:
            problems.append("nearly black")
        elif brightness > BRIGHT:
            problems.append("nearly white")
        if low < SMALL:
            problems.append(f"smaller than {SMALL} pixels")
        elif side * UNUSUAL < usual:
            problems.append("far smaller than most")
        if side > usual * UNUSUAL:
            problems.append("far larger than most")
        if high > ASPECT * low:
            problems.append(f"{high / low:.1f} times as {'wide as high' if width > height else 'high as wide'}")
        lines += [[numbers[row], images[row], problem, int(height), int(width)] for problem in problems]
    return pd.DataFrame(lines, columns=COLUMNS)
