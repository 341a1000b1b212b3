"""Calls between services: who may call whom, and what an error looks like."""
