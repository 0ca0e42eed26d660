"""Drawn data sets, in the layouts of the real ones."""

from mtlzoo.data.synthetic.face_drawing import draw_face
from mtlzoo.data.synthetic.faces import make_faces
from mtlzoo.data.synthetic.fashion import make_fashionai
from mtlzoo.data.synthetic.photograph import draw_garment
from mtlzoo.data.synthetic.scene_dataset import shapes_dataset
from mtlzoo.data.synthetic.shape_drawing import draw_scene
from mtlzoo.data.synthetic.shapes import make_shapes

__all__ = [
    "draw_face",
    "draw_garment",
    "draw_scene",
    "make_faces",
    "make_fashionai",
    "make_shapes",
    "shapes_dataset",
]
