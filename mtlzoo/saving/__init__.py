"""Files that run without mtlzoo, and models from files. One module a format; `FORMATS` is the registry."""

from mtlzoo.saving.exporting import FORMATS, export
from mtlzoo.saving.loading import load_model

__all__ = ["FORMATS", "export", "load_model"]
