"""People: who they are, under one address each."""
