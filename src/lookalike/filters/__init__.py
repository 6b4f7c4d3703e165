"""Rules that say which rows to keep."""
