"""Drawn scenes of triangles and rectangles, as in the detector of the TensorFlow.js book."""
