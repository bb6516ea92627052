"""The contracts as others get them: rendered, compared with what was released, and released."""
