"""Plain functions that know no modality."""
