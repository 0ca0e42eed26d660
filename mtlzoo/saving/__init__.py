"""Files that run without mtlzoo, and models from files. One module a format; `EXPORTS` is the registry."""

from mtlzoo.saving.exporting import export
from mtlzoo.saving.formats import ExportFormat
from mtlzoo.saving.loading import load_model
from mtlzoo.system.registries import EXPORTS

__all__ = ["EXPORTS", "ExportFormat", "export", "load_model"]
