"""Frozen feature extractors, and the way between a modality and tensors."""
