"""The audit log: every security-relevant act, append-only, in a chain of hashes for each organization."""
