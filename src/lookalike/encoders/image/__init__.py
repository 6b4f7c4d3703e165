"""Feature extractors for images."""
