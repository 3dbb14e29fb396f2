"""Criteo: hashed e-mail addresses of a segment become the contact list of an audience segment."""
