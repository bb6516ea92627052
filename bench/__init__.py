"""Measurements, each `python -m bench.<name> [--json]`: it starts what it needs, and prints a table."""
