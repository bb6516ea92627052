"""Questions about a course, answered with citations."""
