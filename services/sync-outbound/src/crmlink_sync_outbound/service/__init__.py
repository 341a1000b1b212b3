"""Use cases: what is done with the bus, with Salesforce and for people."""
