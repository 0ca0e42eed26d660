"""Faces: UTKFace and MTFL, and a drawn set in the layouts of both."""
