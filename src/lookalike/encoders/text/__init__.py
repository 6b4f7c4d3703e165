"""Feature extractors of texts."""
