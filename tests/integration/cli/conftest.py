from __future__ import annotations

from untraced import untraced

__all__ = ["untraced"]
