"""Downstream models for images."""
