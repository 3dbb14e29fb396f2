"""Klaviyo: members of a segment become profiles on a list, by import jobs."""
