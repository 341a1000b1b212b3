"""Decisions, without any input or output."""
