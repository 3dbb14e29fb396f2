"""HubSpot: members of a segment become contacts on a static list."""
