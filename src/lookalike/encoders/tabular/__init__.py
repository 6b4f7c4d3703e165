"""Feature spaces for tables."""
