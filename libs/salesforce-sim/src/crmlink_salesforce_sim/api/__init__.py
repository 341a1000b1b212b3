"""The REST resources of the data API."""
