"""The edges: how a caller's media and events arrive and leave."""
