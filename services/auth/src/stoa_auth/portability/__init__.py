"""What people take with them: all that Stoa holds on a person, across services, as one archive."""
