"""From photographs and label files to batches. `FORMATS` is the registry of dataset formats."""

from mtlzoo.data.attributes import FASHIONAI_ATTRIBUTES
from mtlzoo.data.augmentation import Augmentation
from mtlzoo.data.checking import check_images, same_content
from mtlzoo.data.dataset import image_dataset
from mtlzoo.data.decoding import ImageError, decode_image
from mtlzoo.data.fashionai import read_fashionai
from mtlzoo.data.folders import read_folders
from mtlzoo.data.inference import infer_head
from mtlzoo.data.loading import load_image
from mtlzoo.data.splitting import split
from mtlzoo.data.synthetic import make_fashionai
from mtlzoo.data.table import Table, TableError
from mtlzoo.data.tabular import read_csv

__all__ = [
    "FASHIONAI_ATTRIBUTES",
    "FORMATS",
    "MAKERS",
    "Augmentation",
    "ImageError",
    "Table",
    "TableError",
    "check_images",
    "decode_image",
    "image_dataset",
    "infer_head",
    "load_image",
    "make_fashionai",
    "read_csv",
    "read_fashionai",
    "read_folders",
    "same_content",
    "split",
]

# Readers by the name that the command line knows them by.
FORMATS = {"csv": read_csv, "fashionai": read_fashionai, "folders": read_folders}
# Drawn datasets, likewise.
MAKERS = {"fashion": make_fashionai}
