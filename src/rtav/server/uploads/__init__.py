"""Faces, voices and driving motions that callers bring."""
