"""Generators of tables."""
