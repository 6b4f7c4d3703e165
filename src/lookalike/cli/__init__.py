"""The command line: parse, call, show events."""
