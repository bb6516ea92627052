"""Passwords: changed by who knows the old one, and set anew by who reads the account's mail."""
