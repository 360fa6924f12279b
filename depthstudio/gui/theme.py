"""The window's colours, fonts and icons: one token table, one style sheet, light and dark."""

from __future__ import annotations

import re
import tomllib
import weakref
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPushButton, QStyleFactory, QWidget
from shiboken6 import isValid

from depthstudio.resources import resource_path

GRID_PX = 8
_ICON_GAP_PX = 6
_ICON_IN_SHEET = re.compile(r"\$\{icon:([a-z0-9-]+):([a-z_]+)\}")
_TOKEN_IN_SHEET = re.compile(r"\$\{([a-z_]+)\}")


class ThemeMode(StrEnum):
    """What the user chose; SYSTEM follows the desktop."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@lru_cache(maxsize=256)
def _icon_svg(name: str) -> str:
    return resource_path(f"icons/{name}.svg").read_text(encoding="utf-8")


def _tinted_svg(name: str, colour: str) -> bytes:
    return _icon_svg(name).replace("currentColor", colour).encode()


class Theme(QObject):
    """The tokens in force. Widgets that paint themselves ask `color` and repaint on `changed`."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        with resource_path("theme/theme.toml").open("rb") as stream:
            self._tables: dict[str, dict[str, str]] = tomllib.load(stream)
        self._sheet = resource_path("theme/style.qss").read_text(encoding="utf-8")
        self._mode = ThemeMode.SYSTEM
        self._tokens = self._tables["light"]
        self._in_force: dict[str, str] | None = None
        self._sheet_icons = TemporaryDirectory(prefix="depthstudio-icons-")
        self._icon_users: weakref.WeakKeyDictionary[QWidget, tuple[str, str, int]] = weakref.WeakKeyDictionary()
        self._following = False

    @property
    def is_dark(self) -> bool:
        """True while the dark table is in force."""
        return self._tokens is self._tables["dark"]

    @property
    def mode(self) -> ThemeMode:
        """What the user chose."""
        return self._mode

    def color(self, token: str) -> QColor:
        """The colour of a token; KeyError for a token that theme.toml lacks."""
        return QColor(self._tokens[token])

    def hex(self, token: str) -> str:
        """The token as #rrggbb."""
        return self._tokens[token]

    def rgb(self, token: str) -> tuple[int, int, int]:
        """The token as 8-bit red, green, blue."""
        colour = self.color(token)
        return colour.red(), colour.green(), colour.blue()

    def icon(self, name: str, token: str = "text", size_px: int = 18, gap_px: int = 0) -> QIcon:
        """An icon of the set in a token's colour, with a faint version for disabled widgets, and a gap at its right."""
        icon = QIcon()
        icon.addPixmap(_render(name, self.hex(token), size_px, gap_px), QIcon.Mode.Normal)
        icon.addPixmap(_render(name, self.hex("text_faint"), size_px, gap_px), QIcon.Mode.Disabled)
        return icon

    def pixmap(self, name: str, token: str = "text", size_px: int = 18) -> QPixmap:
        """An icon of the set as a picture, for labels."""
        return _render(name, self.hex(token), size_px)

    def apply(self, mode: ThemeMode) -> None:
        """Put a mode in force for the whole application."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self._follow_system()
        self._mode = mode
        hints = QGuiApplication.styleHints()
        scheme = {ThemeMode.LIGHT: Qt.ColorScheme.Light, ThemeMode.DARK: Qt.ColorScheme.Dark}
        hints.setColorScheme(scheme.get(mode, Qt.ColorScheme.Unknown))
        dark = hints.colorScheme() == Qt.ColorScheme.Dark if mode is ThemeMode.SYSTEM else mode is ThemeMode.DARK
        self._tokens = self._tables["dark" if dark else "light"]
        if self._tokens is self._in_force:
            return
        self._in_force = self._tokens
        application.setStyle(QStyleFactory.create("Fusion"))
        application.setPalette(self._palette())
        application.setStyleSheet(self._filled_sheet())
        for widget, (name, token, size_px) in list(self._icon_users.items()):
            if isValid(widget):  # Python may outlive the Qt side of a closed window
                self._put_icon(widget, name, token, size_px)
        self.changed.emit()

    def set_icon(self, widget: QAbstractButton | QLabel, name: str, token: str = "text", size_px: int = 18) -> None:
        """Give a button or label an icon that keeps following the theme."""
        self._icon_users[widget] = (name, token, size_px)
        self._put_icon(widget, name, token, size_px)

    def _put_icon(self, widget: QWidget, name: str, token: str, size_px: int) -> None:
        if isinstance(widget, QPushButton) and widget.text():
            # Qt puts two pixels between icon and text; the rest of the gap is part of the picture.
            widget.setIcon(self.icon(name, token, size_px, _ICON_GAP_PX))
            widget.setIconSize(QSize(size_px + _ICON_GAP_PX, size_px))
        elif isinstance(widget, QAbstractButton):
            widget.setIcon(self.icon(name, token, size_px))
            widget.setIconSize(QSize(size_px, size_px))
        elif isinstance(widget, QLabel):
            widget.setPixmap(self.pixmap(name, token, size_px))

    def _follow_system(self) -> None:
        if not self._following:
            QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_changed)
            self._following = True

    def _on_system_changed(self) -> None:
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        if self._mode is ThemeMode.SYSTEM and dark != self.is_dark:
            self.apply(ThemeMode.SYSTEM)

    def _palette(self) -> QPalette:
        palette = QPalette()
        roles = {
            QPalette.ColorRole.Window: "window",
            QPalette.ColorRole.Base: "field",
            QPalette.ColorRole.AlternateBase: "panel",
            QPalette.ColorRole.Button: "field",
            QPalette.ColorRole.Text: "text",
            QPalette.ColorRole.WindowText: "text",
            QPalette.ColorRole.ButtonText: "text",
            QPalette.ColorRole.PlaceholderText: "text_faint",
            QPalette.ColorRole.ToolTipBase: "card",
            QPalette.ColorRole.ToolTipText: "text",
            QPalette.ColorRole.Highlight: "accent",
            QPalette.ColorRole.HighlightedText: "on_accent",
            QPalette.ColorRole.Link: "accent",
            QPalette.ColorRole.Mid: "border_strong",
            QPalette.ColorRole.Accent: "accent",
        }
        for role, token in roles.items():
            palette.setColor(role, self.color(token))
        for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, self.color("text_faint"))
        return palette

    def _filled_sheet(self) -> str:
        folder = Path(self._sheet_icons.name)

        def icon_file(match: re.Match[str]) -> str:
            name, token = match.groups()
            file = folder / f"{name}-{self.hex(token)[1:]}.svg"
            file.write_bytes(_tinted_svg(name, self.hex(token)))
            return file.as_posix()

        sheet = _ICON_IN_SHEET.sub(icon_file, self._sheet)
        return _TOKEN_IN_SHEET.sub(lambda match: self._tokens[match.group(1)], sheet)


@lru_cache(maxsize=512)
def _render(name: str, colour: str, size_px: int, gap_px: int = 0) -> QPixmap:
    screen = QGuiApplication.primaryScreen()
    ratio = max(2.0, screen.devicePixelRatio() if screen else 1.0)
    side = round(size_px * ratio)
    pixmap = QPixmap(QSize(side + round(gap_px * ratio), side))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    QSvgRenderer(QByteArray(_tinted_svg(name, colour))).render(painter, QRectF(0, 0, side, side))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


@lru_cache(maxsize=1)
def theme() -> Theme:
    """The application's theme."""
    return Theme()


def mark(widget: QWidget, **properties: str | bool) -> None:
    """Set properties that style.qss selects by (role, tone, kind, surface, selected) and restyle the widget."""
    changed = False
    for name, value in properties.items():
        if widget.property(name) != value:
            widget.setProperty(name, value)
            changed = True
    if changed:
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def tabular(font: QFont) -> QFont:
    """The font with digits of equal width, so that changing numbers do not jump."""
    result = QFont(font)
    result.setFeature(QFont.Tag("tnum"), 1)
    return result
