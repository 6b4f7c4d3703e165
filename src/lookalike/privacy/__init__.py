"""How much the real rows can be told from what was made of them: accountants of differential privacy."""
