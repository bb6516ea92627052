"""Administration: operators, and admins among their members, find people, shut them out, help and stand in for them."""
