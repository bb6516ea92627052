"""Lessons as passages: split, embedded, stored, searched."""
