"""The wire: events and objects as plain data, and their JSON."""
