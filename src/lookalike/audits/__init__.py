"""Memorisation and membership attacks; same protocol as a metric."""
