"""API keys: how machines show on whose behalf they act, and for what."""
