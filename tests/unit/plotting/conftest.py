"""Drawn images, and an untrained network that answers for them."""

from answered import drawn, model

__all__ = ["drawn", "model"]
