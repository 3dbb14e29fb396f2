from __future__ import annotations

import pytest

from app.ui.theme.qss import build_qss
from app.ui.theme.tokens import DARK, LIGHT, MODES, contrast, readable_ink

# (role, role beside it, light, dark) as the design's table gives them
TABLE = [
    ("control", "surface", 3.4, 4.0),
    ("text", "surface", 17.2, 14.4),
    ("text2", "surface", 7.5, 8.8),
    ("text3", "app", 4.9, 6.8),
    ("disabled", "surface", 2.6, 3.2),
    ("accent", "on_accent", 6.2, 4.8),
    ("accent_hover", "on_accent", 7.7, 6.1),
    ("accent_text", "surface", 7.3, 8.2),
    ("accent_subtle", "accent_text", 6.3, 6.4),
    ("bar", "track", 5.0, 4.3),
    ("accent_soft", "surface", 1.7, 2.6),
    ("focus", "surface", 6.2, 8.2),
    ("success", "success_subtle", 5.5, 8.0),
    ("success_fill", "track", 3.6, 4.1),
    ("success_subtle", "text", 15.3, 12.2),
    ("warning", "warning_subtle", 6.1, 8.2),
    ("warning_fill", "track", 3.2, 5.1),
    ("warning_subtle", "text2", 6.9, 7.5),
    ("danger", "danger_subtle", 5.8, 7.9),
    ("danger_fill", "track", 3.7, 3.2),
    ("danger_subtle", "text2", 6.6, 8.2),
    ("text2", "selected", 6.6, 6.8),
    ("text3", "selected", 4.7, 4.8),
    ("success", "selected", 5.4, 7.2),
    ("warning", "selected", 5.8, 7.5),
    ("danger", "selected", 5.7, 6.6),
]


@pytest.mark.parametrize(("role", "beside", "light", "dark"), TABLE)
def test_contrast_is_what_the_design_promises(role: str, beside: str, light: float, dark: float) -> None:
    assert contrast(LIGHT[role], LIGHT[beside]) == pytest.approx(light, abs=0.06)
    assert contrast(DARK[role], DARK[beside]) == pytest.approx(dark, abs=0.06)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ground", ["surface", "app", "subtle", "raised", "selected"])
def test_text_reads_on_every_ground(mode: str, ground: str) -> None:
    tokens = MODES[mode]
    for ink in ("text", "text2", "text3", "accent_text", "success", "warning", "danger"):
        assert contrast(tokens[ink], tokens[ground]) >= 4.5, (ink, ground)


def test_both_modes_have_the_same_roles() -> None:
    assert LIGHT.keys() == DARK.keys()


@pytest.mark.parametrize("color", ["#0A66C2", "#FFE01B", "#232426", "#1A803B", "#FF7A59", "#4B7A0F"])
def test_badge_letters_read(color: str) -> None:
    assert contrast(readable_ink(color), color) >= 4.5


@pytest.mark.parametrize("mode", MODES)
def test_style_sheet_holds_no_font_and_no_open_braces(mode: str) -> None:
    sheet = build_qss(MODES[mode])
    assert "font" not in sheet
    assert "{{" not in sheet
    assert sheet.count("{") == sheet.count("}")
