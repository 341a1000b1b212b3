"""What is decided here, without touching anything."""
