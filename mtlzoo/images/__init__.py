"""An image's way from bytes to a tensor: reading, decoding, geometry, augmentation, caches."""

from __future__ import annotations

try:
    # By a name, which the folder lacks that is left when one of two OpenCV packages is removed.
    from cv2 import imdecode as imdecode
except ImportError as error:
    raise ImportError(
        f"Expected OpenCV 4.10 or later, received: {error}. Install it, or install it again: "
        "pip install --force-reinstall --no-deps opencv-python-headless"
    ) from error
