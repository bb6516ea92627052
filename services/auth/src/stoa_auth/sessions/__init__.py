"""Sessions: logging in, rotating refresh tokens, logging out."""
