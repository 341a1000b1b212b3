"""Answers assistants' requests on the bus."""
