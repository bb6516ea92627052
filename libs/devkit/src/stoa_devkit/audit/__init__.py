"""`stoa audit`: the audit log, exported and verified."""
