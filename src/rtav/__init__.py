"""rtav: a self-hosted server for realtime conversations with a talking avatar."""
