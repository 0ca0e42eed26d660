"""A folder with a page that runs the model in the browser, on the user's own machine.

Any static server serves it, `python -m http.server` for one. The page asks no other host for anything, except for the
runtime with `runtime="cdn"`.
"""

from mtlzoo.saving.web.folder import FOLDER, FORMAT, write

__all__ = ["FOLDER", "FORMAT", "write"]
