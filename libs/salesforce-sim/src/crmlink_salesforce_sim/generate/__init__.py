"""Generated data: an org as people left it, the same for the same seed."""
