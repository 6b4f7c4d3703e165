"""What the report shows of several tables."""
