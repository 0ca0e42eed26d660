"""An image's way from bytes to a tensor: reading, decoding, geometry, augmentation, caches."""

from __future__ import annotations

try:
    from cv2 import imdecode as _  # which the folder has not that is left when one of two OpenCV packages is removed
except ImportError as error:
    raise ImportError(
        f"Expected OpenCV 4.10 or later, received: {error}. Install it, or install it again: "
        "pip install --force-reinstall --no-deps opencv-python-headless"
    ) from error
