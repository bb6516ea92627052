"""What every change must pass."""
