"""Tables and repositories. Queries live here only; the caller owns the transaction."""
