"""Drawn data sets, in the layouts of the real ones."""

from mtlzoo.data.synthetic.fashion import make_fashionai
from mtlzoo.data.synthetic.photograph import draw_garment

__all__ = ["draw_garment", "make_fashionai"]
