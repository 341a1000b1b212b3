"""HTTP in: the public API."""
