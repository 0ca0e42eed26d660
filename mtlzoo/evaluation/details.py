"""Predictions as TensorFlow's Head API gave them."""

from __future__ import annotations

import numpy as np

from mtlzoo.evaluation.prediction import Images, placed_outputs
from mtlzoo.models import MultiTaskModel


def predictions(model: MultiTaskModel, images: Images, batch_size: int = 32) -> dict[str, dict[str, np.ndarray]]:
    """All that the model predicts, by head and then by the key that the Head API of `tf.estimator` has for it.

    Args:
        model: The model.
        images: As in :func:`outputs`.
        batch_size: Rows at a time.

    Returns:
        For each head, in their order, arrays with the rows on the first axis.

        - Heads with classes: `probabilities` float32 `(rows, classes)`, also of two; `class_ids` int64 `(rows,)`; `classes`
          `(rows,)`, the names of these; `all_classes` `(rows, classes)`, the same names in every row.
        - Heads with tags: `probabilities` float32 and `class_ids` int64, 0 or 1, both `(rows, tags)`; `classes` `(rows,)`,
          lists of the given tags; `all_classes` `(rows, tags)`.
        - All others: `predictions`, such as float32 `(rows, units)` of a regression head, and places in the coordinates
          of the whole image.

        There are no `logits`: the network puts out probabilities, and `log(p)`, or `log(p / (1 - p))` of a sigmoid, are
        logits again.

    Raises:
        ImageError: As in :func:`outputs`.
        TableError: As in :func:`outputs`.
        ValueError: As in :func:`outputs`.

    Example:

    ```python
    predicted = mtl.evaluation.predictions(model, "face.jpg")
    predicted["gender"]["probabilities"]  # [[0.07, 0.93]]
    predicted["gender"]["classes"]  # ["female"]
    ```
    """
    arrays, geometry = placed_outputs(model, images, batch_size)
    return {name: head.details(head.to_image_space(arrays[name], geometry)) for name, head in model.heads.items()}
