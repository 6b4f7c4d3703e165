"""Filters of tables."""
