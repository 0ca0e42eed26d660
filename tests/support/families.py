"""Families of backbones, each with a paper of its own; deeper members repeat the blocks of the first."""

from __future__ import annotations

import os

from mtlzoo.backbones.registry import BACKBONES

FIRST = {spec.source: name for name, spec in [*BACKBONES.items()][::-1]}.values()
# As `scripts/test --all` has it: every check of every member.
ALL = os.environ.get("MTLZOO_TEST_BACKBONES") == "all"
