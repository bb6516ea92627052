"""What every Stoa service shares, and nothing that only one of them needs."""
