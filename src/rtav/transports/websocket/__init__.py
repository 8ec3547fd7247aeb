"""Clients that speak WebSocket: events in text frames, media in events."""
