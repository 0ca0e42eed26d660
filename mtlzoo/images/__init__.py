"""An image's way from bytes to a tensor: reading, decoding, geometry, augmentation, caches."""
