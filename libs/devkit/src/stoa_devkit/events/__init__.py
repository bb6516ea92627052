"""`stoa events`: what operators see of events, and do with them."""
