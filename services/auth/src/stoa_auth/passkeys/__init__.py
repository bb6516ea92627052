"""Passkeys (WebAuthn): register one, and show by it who one is, with or without saying so first."""
