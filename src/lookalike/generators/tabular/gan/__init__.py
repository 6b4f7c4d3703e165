"""What a generator against a critic is made of, on tables: the game, and the values that rows are asked to have."""
