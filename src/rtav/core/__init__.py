"""The decisions: a session without I/O."""
