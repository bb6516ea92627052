"""Failed log-ins, counted: guessing gets slower, and nobody is locked out by somebody else for long."""
