"""Audits for tables."""
