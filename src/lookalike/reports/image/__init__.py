"""Pictures for the report of a run on images."""
