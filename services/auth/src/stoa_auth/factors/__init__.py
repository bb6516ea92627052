"""Second factors: authenticator apps and recovery codes; and the list that passkeys stand in, too."""
