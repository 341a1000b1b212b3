"""PostgreSQL: tables and queries. The caller owns the transaction."""
