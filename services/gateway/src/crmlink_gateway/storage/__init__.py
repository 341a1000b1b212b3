"""PostgreSQL: what the gateway keeps."""
