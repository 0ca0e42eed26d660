"""Drawn data sets, in the layouts of the real ones."""

from mtlzoo.data.synthetic.face_drawing import draw_face
from mtlzoo.data.synthetic.faces import make_faces
from mtlzoo.data.synthetic.fashion import make_fashionai
from mtlzoo.data.synthetic.photograph import draw_garment

__all__ = ["draw_face", "draw_garment", "make_faces", "make_fashionai"]
