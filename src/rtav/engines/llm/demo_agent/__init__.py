"""The scripted agent behind the `demo` engine: what it hears, knows and says."""
