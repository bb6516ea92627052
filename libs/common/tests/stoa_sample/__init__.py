"""A service small enough to test what all services share: notes of people, in organizations."""
