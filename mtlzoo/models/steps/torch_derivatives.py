"""Derivatives for torch, which has no balanced training step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


def differentiate(function: Callable[..., torch.Tensor], arguments: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The derivatives of a scalar function."""
    sources = [argument.detach().requires_grad_() for argument in arguments]
    with torch.enable_grad():
        value = function(*sources)
    found = torch.autograd.grad(value, sources, allow_unused=True)
    return [torch.zeros_like(source) if part is None else part for part, source in zip(found, sources)]
