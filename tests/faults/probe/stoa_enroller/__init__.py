"""The publisher under test: enrollments that commands move on, each with its events in the same transaction."""
