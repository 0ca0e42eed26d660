"""Families of backbones, each with a paper of its own; deeper members repeat the blocks of the first."""

from __future__ import annotations

from mtlzoo.backbones.registry import BACKBONES

FIRST = {spec.source: name for name, spec in [*BACKBONES.items()][::-1]}.values()
