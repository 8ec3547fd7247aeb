"""What outlives the process: keys, sessions and their usage, in SQLite or PostgreSQL."""
