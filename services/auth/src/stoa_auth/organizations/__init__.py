"""Organizations, their members with roles, and invitations."""
