"""`stoa demo`: made-up learners work through a course, over the gateway alone, and the numbers are checked."""
