"""Accounts: people who may log in, and how they are forgotten."""
