"""The kit: every control the pages are built from. Each takes the `Theme` first and paints by role.

Page engineers compose these and write no style sheet, no hex value and no `setFont` of their own; text goes through
`tr()` in the page. A widget that can take focus has an accessible name: its text, or the `name` argument.
"""

from __future__ import annotations
