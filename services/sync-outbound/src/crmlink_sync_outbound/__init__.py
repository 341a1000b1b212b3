"""Owns every linked pair and makes its two sides agree."""
