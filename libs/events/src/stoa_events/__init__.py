"""Stoa's events: what they mean, how they travel, how to read them.

Install this package in a service of your own to read Stoa's topics with typed models.
"""
