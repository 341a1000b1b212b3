"""Durable runs: paged work with a stored checkpoint, resumed after a kill, cancellable."""
