"""Iterable: members of a segment become users on a static list."""
