"""A table's labels and images before and after training: what is missing, odd, contradictory or likely wrong."""

from __future__ import annotations

from mtlzoo.auditing.result import Audit
from mtlzoo.auditing.run import audit

__all__ = ["Audit", "audit"]
