"""Samples and pixels: codecs, the jitter buffer, the egress clock."""
