"""Who writes an answer: the extractive provider on board, or an OpenAI-compatible model."""
