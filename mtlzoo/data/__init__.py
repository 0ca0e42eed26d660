"""From photographs and label files to batches. `FORMATS` is the registry of dataset formats."""

from mtlzoo.data.attributes import FASHIONAI_ATTRIBUTES
from mtlzoo.data.augmentation import Augmentation
from mtlzoo.data.caching import ImageCache
from mtlzoo.data.checking import check_images, same_content
from mtlzoo.data.content import split_by_content
from mtlzoo.data.dataset import image_dataset
from mtlzoo.data.decoding import decode_image
from mtlzoo.data.fashionai import read_fashionai
from mtlzoo.data.folders import read_folders
from mtlzoo.data.inference import infer_head
from mtlzoo.data.loading import load_image
from mtlzoo.data.mtfl import read_mtfl
from mtlzoo.data.packing import pack, read_packed
from mtlzoo.data.pixel_limit import set_max_pixels
from mtlzoo.data.shapes import read_shapes
from mtlzoo.data.splitting import split
from mtlzoo.data.synthetic import make_faces, make_fashionai, make_shapes, shapes_dataset
from mtlzoo.data.table import Table
from mtlzoo.data.tabular import read_csv
from mtlzoo.data.utkface import read_utkface
from mtlzoo.errors import ImageError, TableError

__all__ = [
    "FASHIONAI_ATTRIBUTES",
    "FORMATS",
    "MAKERS",
    "Augmentation",
    "ImageCache",
    "ImageError",
    "Table",
    "TableError",
    "check_images",
    "decode_image",
    "image_dataset",
    "infer_head",
    "load_image",
    "make_faces",
    "make_fashionai",
    "make_shapes",
    "pack",
    "read_csv",
    "read_fashionai",
    "read_folders",
    "read_mtfl",
    "read_packed",
    "read_shapes",
    "read_utkface",
    "same_content",
    "set_max_pixels",
    "shapes_dataset",
    "split",
    "split_by_content",
]

# Readers by the name that the command line knows them by.
FORMATS = {
    "csv": read_csv,
    "fashionai": read_fashionai,
    "folders": read_folders,
    "mtfl": read_mtfl,
    "packed": read_packed,
    "shapes": read_shapes,
    "utkface": read_utkface,
}
# Drawn datasets, likewise.
MAKERS = {"faces": make_faces, "fashion": make_fashionai, "shapes": make_shapes}
