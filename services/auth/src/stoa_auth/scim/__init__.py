"""SCIM 2.0 (RFC 7643, 7644): an organization's directory provisions its people, and their roles by groups."""
