"""What generators that learn from coded columns share: settings, rows in blocks, saved models."""
