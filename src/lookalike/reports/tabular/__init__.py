"""What the report shows of tables."""
