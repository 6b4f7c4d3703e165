"""One file per way of making data."""
