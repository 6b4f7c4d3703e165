"""Filters for images."""
