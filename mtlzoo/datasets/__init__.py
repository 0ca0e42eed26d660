"""Published data sets: a room for each, with its reader, its layout, its drawn stand-in and its own score.

`blood_cells()` comes with the package: real photographs, and no download.

`FORMATS` and `MAKERS` are the registries of readers and of drawn sets, by the names that the command line knows them by.
"""

from mtlzoo.datasets.cells.reader import blood_cells
from mtlzoo.datasets.faces.drawing.painting import draw_face
from mtlzoo.datasets.faces.maker import make_faces
from mtlzoo.datasets.faces.mtfl import read_mtfl
from mtlzoo.datasets.faces.utkface import read_utkface
from mtlzoo.datasets.fashionai.attributes import FASHIONAI_ATTRIBUTES
from mtlzoo.datasets.fashionai.drawing.photograph import draw_garment
from mtlzoo.datasets.fashionai.maker import make_fashionai
from mtlzoo.datasets.fashionai.reader import read_fashionai
from mtlzoo.datasets.fashionai.score import fashionai_score
from mtlzoo.datasets.fashionai.submission import read_answers, read_submission, submission_frame, write_submission
from mtlzoo.datasets.shapes.dataset import shapes_dataset
from mtlzoo.datasets.shapes.drawing import draw_scene
from mtlzoo.datasets.shapes.maker import make_shapes
from mtlzoo.datasets.shapes.reader import read_shapes
from mtlzoo.system.registries import FORMATS, MAKERS

__all__ = [
    "FASHIONAI_ATTRIBUTES",
    "FORMATS",
    "MAKERS",
    "blood_cells",
    "draw_face",
    "draw_garment",
    "draw_scene",
    "fashionai_score",
    "make_faces",
    "make_fashionai",
    "make_shapes",
    "read_answers",
    "read_fashionai",
    "read_mtfl",
    "read_shapes",
    "read_submission",
    "read_utkface",
    "shapes_dataset",
    "submission_frame",
    "write_submission",
]
