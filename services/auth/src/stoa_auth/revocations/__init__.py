"""Revocations: which access tokens are worth nothing before they expire, told to every verifier within a second."""
