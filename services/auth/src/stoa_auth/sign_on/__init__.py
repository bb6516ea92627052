"""Sign-on: people log in by the OpenID provider that their organization runs, and become its members by that."""
