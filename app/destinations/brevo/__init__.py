"""Brevo, once Sendinblue: members of a segment become contacts on a list, by imports."""
