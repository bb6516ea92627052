"""Whether the time of an answer tells which addresses have an account."""
