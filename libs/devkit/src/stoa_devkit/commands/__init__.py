"""The commands of `stoa`, one module each."""
