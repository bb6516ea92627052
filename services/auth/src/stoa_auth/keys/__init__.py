"""Signing keys of access tokens, and their public half for everyone (JWKS)."""
