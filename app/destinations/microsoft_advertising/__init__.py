"""Microsoft Advertising: hashed e-mail addresses of a segment become a customer match list."""
