"""`stoa privacy`: the proof that a person was forgotten."""
