"""One client for every server: kept answers, pace, retries and a budget."""
