"""`stoa api`: the one API in front of all services, held to what was released."""
