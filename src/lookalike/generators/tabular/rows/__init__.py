"""What generators of tables share: values in the form of their column, and new keys."""
