"""What the heads whose labels are positions in the image share: two spaces, and the way between them.

Labels and predictions for users are in image space, in a unit and an order that the head's `format` tells. The network is
trained in input space: relative coordinates, 0 to 1 from edge to edge of what is left of the image after resizing and
augmentation.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from mtlzoo.heads.base import Head
from mtlzoo.images.geometry import ImageGeometry


class SpatialHead(Head):
    """A head whose labels and predictions are positions in the image.

    Its layers are built on the backbone's feature map rather than on the mean of it, which has no positions.

    Args:
        **kwargs: `hidden`, `activation`, `dropout`, `loss_weight`; see :class:`Head`.
    """

    spatial = True
    reads_numbers = True

    @abstractmethod
    def to_input_space(self, targets: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """Map encoded targets from image space to input space.

        Args:
            targets: As :meth:`encode` returns them, rows on the first axis.
            geometry: The map of each row's pixels from image space to input space.

        Returns:
            Float32 targets in relative coordinates, as the loss and the metrics take them; what lies outside of the input is
            marked as missing where the loss could not use it.

        Raises:
            LabelError: If a label lies outside of its image; it names the row.
        """

    @abstractmethod
    def to_image_space(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """Map predictions from input space to image space, as labels are written.

        Args:
            predictions: The model's output for this head, rows on the first axis.
            geometry: The map of each row's pixels from image space to input space.

        Returns:
            Predictions of the same shape, in the labels' format.
        """

    @abstractmethod
    def evaluate(
        self, targets: np.ndarray, predictions: np.ndarray, geometry: ImageGeometry | None = None
    ) -> dict[str, Any]:
        """Metrics over labelled rows.

        Args:
            targets: In input space, as :meth:`to_input_space` returns them.
            predictions: The model's output for this head, in input space too.
            geometry: The map of each row's pixels, where distances are to be measured in pixels of the images.

        Returns:
            As for any head.
        """
