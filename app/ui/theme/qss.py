"""The style sheet of plain controls, generated from the colour roles. It never sets a font.

Dynamic properties the sheet knows:
    `ink`    on QLabel: a text colour role, e.g. `label.setProperty("ink", "text2")` (the `Label` widget does it).
    `fill`   on QWidget/QFrame: a surface role as background: app, surface, subtle, raised.
    `kind`   on QPushButton: primary, secondary, ghost, danger, link.
    `state`  on fields: "error".
    `quiet`  on fields: true for search fields (the lighter edge).
"""

from __future__ import annotations

from collections.abc import Mapping

_INKS = ("text", "text2", "text3", "disabled", "accent_text", "success", "warning", "danger", "on_accent")
_FILLS = ("app", "surface", "subtle", "raised", "neutral_subtle")

_SHEET = """
QWidget:disabled {{ color: {disabled}; }}
QToolTip {{ background: {raised}; color: {text}; border: 1px solid {border}; padding: 5px 8px; }}

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QDateEdit, QTimeEdit, QDateTimeEdit {{
    background: {surface}; color: {text}; border: 1px solid {control}; border-radius: 6px;
    padding: 0 8px; selection-background-color: {accent}; selection-color: {on_accent};
    placeholder-text-color: {text3}; lineedit-password-character: 8226;
}}
QLineEdit, QSpinBox, QDoubleSpinBox, QDateEdit, QTimeEdit, QDateTimeEdit {{ min-height: 30px; max-height: 30px; }}
QPlainTextEdit, QTextEdit {{ padding: 6px 4px; }}
QTextEdit[bare="true"], QTextEdit[bare="true"]:focus {{ border: none; padding: 0; background: transparent; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus,
QDateEdit:focus, QTimeEdit:focus, QDateTimeEdit:focus {{ border: 2px solid {focus}; padding: 0 7px; }}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QDateEdit:focus, QTimeEdit:focus, QDateTimeEdit:focus {{
    min-height: 28px; max-height: 28px;
}}
QPlainTextEdit:focus, QTextEdit:focus {{ padding: 5px 3px; }}
QTextEdit[code="true"] {{ background: transparent; border: none; border-radius: 0; padding: 0; }}
QLineEdit[quiet="true"] {{ border-color: {border}; }}
QLineEdit[quiet="true"]:focus {{ border-color: {focus}; }}
QLineEdit[state="error"], QPlainTextEdit[state="error"], QSpinBox[state="error"] {{ border-color: {danger_fill}; }}
QLineEdit:disabled, QPlainTextEdit:disabled, QTextEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled,
QDateEdit:disabled, QTimeEdit:disabled, QDateTimeEdit:disabled {{
    background: {neutral_subtle}; color: {disabled}; border-color: {border}; placeholder-text-color: {disabled};
}}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{
    width: 0; border: none;
}}

QAbstractItemView {{
    background: {surface}; color: {text}; border: none; outline: none;
    selection-background-color: {selected}; selection-color: {text};
}}
QComboBox QAbstractItemView, QListView[popup="true"] {{
    background: {raised}; border: 1px solid {border}; border-radius: 0; padding: 5px; outline: none;
}}
QComboBox QAbstractItemView::item, QListView[popup="true"]::item {{
    min-height: 32px; padding: 0 9px; border-radius: 6px; color: {text};
}}
QComboBox QAbstractItemView::item:hover, QComboBox QAbstractItemView::item:selected,
QListView[popup="true"]::item:hover, QListView[popup="true"]::item:selected {{ background: {hover}; color: {text}; }}
QHeaderView {{ background: {surface}; border: none; }}
QTableView {{ gridline-color: {line}; }}
QTreeView {{ background: {surface}; border: none; }}

QMenu {{ background: {raised}; color: {text}; border: 1px solid {border}; padding: 5px; border-radius: 8px; }}
QMenu::item {{ padding: 7px 18px 7px 12px; border-radius: 6px; min-width: 160px; }}
QMenu::item:selected {{ background: {hover}; }}
QMenu::item:disabled {{ color: {disabled}; }}
QMenu::icon {{ padding-left: 10px; }}
QMenu::separator {{ height: 1px; background: {line}; margin: 4px -5px; }}

QScrollArea {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle {{ background: {border}; border-radius: 3px; margin: 3px; }}
QScrollBar::handle:vertical {{ min-height: 32px; }}
QScrollBar::handle:horizontal {{ min-width: 32px; }}
QScrollBar::handle:hover {{ background: {control}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; border: none; background: none; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: none; }}
QAbstractScrollArea::corner {{ background: transparent; border: none; }}
QSplitter::handle {{ background: {line}; }}

QPushButton[kind] {{ border-radius: 6px; padding: 0 12px; min-height: 30px; max-height: 30px; }}
QPushButton[kind="primary"] {{ background: {accent}; color: {on_accent}; border: 1px solid {accent}; }}
QPushButton[kind="primary"]:hover, QPushButton[kind="primary"]:pressed {{ background: {accent_hover}; }}
QPushButton[kind="secondary"] {{ background: {surface}; color: {text}; border: 1px solid {border}; }}
QPushButton[kind="secondary"]:hover {{ background: {hover}; }}
QPushButton[kind="secondary"]:pressed {{ background: {pressed}; }}
QPushButton[kind="ghost"] {{ background: transparent; color: {text}; border: 1px solid transparent; }}
QPushButton[kind="ghost"]:hover {{ background: {hover}; }}
QPushButton[kind="ghost"]:pressed {{ background: {pressed}; }}
QPushButton[kind="danger"] {{ background: {surface}; color: {danger}; border: 1px solid {danger_line}; }}
QPushButton[kind="danger"]:hover, QPushButton[kind="danger"]:pressed {{ background: {danger_subtle}; }}
QPushButton[kind="link"] {{ background: transparent; color: {accent_text}; border: none; padding: 0 2px; }}
QPushButton[kind]:disabled {{ background: {neutral_subtle}; color: {disabled}; border-color: {border}; }}
QPushButton[kind="ghost"]:disabled, QPushButton[kind="link"]:disabled {{
    background: transparent; color: {disabled}; border-color: transparent;
}}
"""


def build_qss(tokens: Mapping[str, str]) -> str:
    """Return the application's style sheet for one mode."""
    parts = [_SHEET.format_map(tokens)]
    parts += [f'QLabel[ink="{ink}"] {{ color: {tokens[ink]}; }}' for ink in _INKS]
    parts += [f'QWidget[fill="{fill}"] {{ background: {tokens[fill]}; }}' for fill in _FILLS]
    return "\n".join(parts)
