"""Twilio SendGrid: members of a segment become contacts on a list, by upsert jobs."""
