"""Contracts, schema, keyed randomness, events, errors, the method registry and the store; numpy and pydantic only."""
