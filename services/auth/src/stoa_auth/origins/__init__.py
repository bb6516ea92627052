"""Whose pages may ask for an organization's data from a browser (CORS): each organization lists origins of its own."""
