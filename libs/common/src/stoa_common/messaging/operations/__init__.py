"""What operators see of a service's events, and do with them: `/api/v1/<service>/messaging`."""
