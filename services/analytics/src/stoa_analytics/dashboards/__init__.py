"""What the events add up to, for people."""
