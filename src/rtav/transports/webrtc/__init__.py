"""WebRTC through aiortc, used as a transport only."""
