"""Metrics for tables."""
