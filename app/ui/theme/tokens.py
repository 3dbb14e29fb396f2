"""The colours of the window, as two dictionaries of the same roles; no other module holds a hex value.

Everything that has a colour asks for it by role: `palette.py` builds the `QPalette`, `qss.py` the style sheet, widgets and
delegates read `Theme.color(role)` while they paint. The contrast of every pair the design promises is recomputed in
`tests/ui/test_tokens.py`.
"""

from __future__ import annotations

from typing import Final

LIGHT: Final[dict[str, str]] = {
    "app": "#F4F5F7",
    "surface": "#FFFFFF",
    "subtle": "#F8F9FB",
    "raised": "#FFFFFF",
    "hover": "#EEF0F4",
    "pressed": "#E3E6EC",
    "selected": "#EBF0FD",
    "neutral_subtle": "#EEF0F3",
    "track": "#E6E8EC",
    "line": "#E6E8EC",
    "border": "#D3D7DF",
    "control": "#858C99",
    "text": "#171B24",
    "text2": "#4C5564",
    "text3": "#636C7B",
    "disabled": "#9AA1AD",
    "accent": "#3156D3",
    "accent_hover": "#2949B8",
    "on_accent": "#FFFFFF",
    "accent_text": "#2A4BC2",
    "accent_subtle": "#EAEFFD",
    "bar": "#3156D3",
    "accent_soft": "#B9C6F3",
    "focus": "#3156D3",
    "success": "#12703F",
    "success_fill": "#178A4E",
    "success_subtle": "#E6F5EC",
    "warning": "#875000",
    "warning_fill": "#B87000",
    "warning_subtle": "#FDF4E3",
    "warning_line": "#F0D9A8",
    "danger": "#B3261E",
    "danger_fill": "#D93A31",
    "danger_subtle": "#FDEDEC",
    "danger_line": "#F3C6C3",
}

DARK: Final[dict[str, str]] = {
    "app": "#14161B",
    "surface": "#1B1E25",
    "subtle": "#20242C",
    "raised": "#242832",
    "hover": "#2A2F39",
    "pressed": "#323845",
    "selected": "#253053",
    "neutral_subtle": "#2A2F39",
    "track": "#333945",
    "line": "#2A2E38",
    "border": "#3D4451",
    "control": "#747D8D",
    "text": "#ECEEF2",
    "text2": "#B6BDC9",
    "text3": "#969FAE",
    "disabled": "#666E7B",
    "accent": "#4468E4",
    "accent_hover": "#3757CE",
    "on_accent": "#FFFFFF",
    "accent_text": "#9DB3FF",
    "accent_subtle": "#242F52",
    "bar": "#8299F6",
    "accent_soft": "#4A5C9E",
    "focus": "#9DB3FF",
    "success": "#6FD69B",
    "success_fill": "#38AE70",
    "success_subtle": "#17301F",
    "warning": "#F0BE63",
    "warning_fill": "#E0A030",
    "warning_subtle": "#352A12",
    "warning_line": "#584519",
    "danger": "#FF9F97",
    "danger_fill": "#E5564C",
    "danger_subtle": "#331E20",
    "danger_line": "#60302C",
}

SCRIM: Final[dict[str, tuple[str, float]]] = {"light": ("#171B24", 0.35), "dark": ("#000000", 0.60)}
"""Colour and opacity laid over the window behind a dialog."""

MODES: Final[dict[str, dict[str, str]]] = {"light": LIGHT, "dark": DARK}


def luminance(hex_value: str) -> float:
    """Return the relative luminance of `#RRGGBB`, 0 to 1, as WCAG 2.2 defines it."""

    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (int(hex_value[i : i + 2], 16) for i in (1, 3, 5))
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


def contrast(one: str, other: str) -> float:
    """Return the WCAG contrast of two colours, 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable_ink(background: str) -> str:
    """Return the text colour, near-black or white, that reads best on `background`."""
    return max(LIGHT["on_accent"], LIGHT["text"], key=lambda ink: contrast(ink, background))
