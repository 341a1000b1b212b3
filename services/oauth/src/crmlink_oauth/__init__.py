"""Holds the secrets: connection life cycle, token authority, API usage."""
