"""The front door: API, console, live progress."""
