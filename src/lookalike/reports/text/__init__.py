"""What the report shows of texts."""
