"""Adobe Marketo Engage: members of a segment become people on a static list, by imports of files."""
