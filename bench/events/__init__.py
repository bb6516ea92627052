"""How fast events travel, what their safety costs, and what is lost without it."""
