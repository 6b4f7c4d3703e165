"""Audits for images."""
