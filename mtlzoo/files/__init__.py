"""Everything is written one way: beside its place, moved there when whole, never over what is not to be replaced."""

from mtlzoo.files.checks import check_folder, check_output, shown
from mtlzoo.files.kinds import FolderKind
from mtlzoo.files.temporary import is_temporary, remove_leftovers
from mtlzoo.files.writing import writing

__all__ = ["FolderKind", "check_folder", "check_output", "is_temporary", "remove_leftovers", "shown", "writing"]
