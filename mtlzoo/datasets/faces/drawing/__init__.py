"""A drawn face, part by part."""
