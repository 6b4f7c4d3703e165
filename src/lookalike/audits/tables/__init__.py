"""Audits for several tables with keys."""
