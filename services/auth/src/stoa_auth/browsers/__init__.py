"""Browsers: the cookie of a log-in by a page, what keeps other sites from using it, and its trade for a token."""
