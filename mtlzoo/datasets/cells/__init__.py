"""Photographs of blood cells, which come with the package."""
