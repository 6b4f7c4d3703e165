"""Generators of several tables with keys."""
