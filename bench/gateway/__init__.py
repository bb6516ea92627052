"""The gateway's figures, each beside what it must reach and what it should."""
