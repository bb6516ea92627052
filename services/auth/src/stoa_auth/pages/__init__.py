"""Pages for people: log in and out, second factor, confirm an address, choose a new password."""
