"""The consumer under test: it folds events into totals, notes each effect, and copies the stream."""
