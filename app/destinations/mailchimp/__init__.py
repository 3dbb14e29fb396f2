"""Mailchimp: members of a segment become contacts of an audience, tagged with the segment's name."""

from __future__ import annotations
