"""The plain sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtlzoo.balancing.weighting.base import LossWeighting

Tensor = Any


class Equal(LossWeighting):
    """The sum of the losses: `L = sum_i L_i`, over the tasks `i`. What training does without any balancing.

    Example:

    ```python
    model.compile("adam", balancing="equal")
    ```
    """

    def total(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The sum."""
        from keras import ops

        return ops.sum(losses)
