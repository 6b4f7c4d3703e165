"""Metrics for images."""
