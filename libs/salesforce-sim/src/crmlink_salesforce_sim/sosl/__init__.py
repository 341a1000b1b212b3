"""SOSL: text search over the org's records."""
