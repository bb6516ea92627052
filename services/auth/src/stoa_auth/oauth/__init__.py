"""Stoa as an OAuth 2.1 authorization server and an OpenID provider, for clients that have never heard of it."""
