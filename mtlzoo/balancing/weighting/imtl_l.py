"""IMTL-L."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtlzoo.balancing.base import Variable
from mtlzoo.balancing.weighting.base import LossWeighting

Tensor = Any


class IMTLL(LossWeighting):
    """Impartial multi-task learning of losses: learned scales bring all losses to the same size.

    `L = sum_i exp(s_i) L_i - s_i`, over the tasks `i`; at the best log-scale `s_i` the scaled loss is 1. Without any
    thought of a distribution it is twice :class:`Uncertainty` of regressions, with `s_i` for minus the log-variance.

    Source: Liu et al. 2021, "Towards Impartial Multi-task Learning", ICLR. The log-scales start at 0 and are trained by
    the model's own optimizer and learning rate.

    Example:

    ```python
    model.compile("adam", balancing="imtl_l")
    ```
    """

    def _variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        return {"log_scales": Variable(np.zeros(len(tasks), "float32"), "trained")}

    def total(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The scaled losses, less the log-scales."""
        from keras import ops

        log_scales = variables["log_scales"]
        parts = ops.exp(log_scales) * losses - log_scales
        return ops.sum(ops.where(present, parts, ops.zeros_like(parts)))
