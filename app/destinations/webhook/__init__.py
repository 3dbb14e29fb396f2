"""Webhook: members of a segment to any address that takes JSON, signed so that the receiver can tell who sent it."""
