"""Downstream models for tables."""
