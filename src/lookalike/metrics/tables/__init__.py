"""Metrics for several tables with keys."""
