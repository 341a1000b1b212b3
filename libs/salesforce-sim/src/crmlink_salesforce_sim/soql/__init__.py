"""SOQL: parsed by a grammar, compiled to SQL, answered as records."""
