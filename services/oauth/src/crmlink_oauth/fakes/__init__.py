"""Stand-ins for tests: an org, a store in memory, and the service wired to both."""
