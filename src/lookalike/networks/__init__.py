"""Torch modules, one architecture per file; they know shapes, not data sets."""
