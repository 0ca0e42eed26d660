"""Drawn images, and an untrained network that predicts for them."""

from answered import drawn, model

__all__ = ["drawn", "model"]
