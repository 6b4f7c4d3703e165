"""Fidelity, diversity and utility."""
