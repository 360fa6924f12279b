"""Settings: how the window looks, where the workspace is, the keys."""

from __future__ import annotations

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout

from depthstudio import __version__
from depthstudio.gui.pages.base import Page
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import GRID_PX, ThemeMode, mark, theme
from depthstudio.gui.widgets.basics import ElidedLabel, Section, Segments, button, label, row

_CARD_WIDTH_PX = 640
_KEYS = (
    ("1 … 7", "The pages, in the order of the work"),
    ("Ctrl+,", "This page"),
    ("Space", "Record and stop on Capture, take a view on Calibrate, play on Dataset"),
    ("S", "Snapshot on Capture and Live"),
    ("M", "Measure on Quality"),
    ("P", "Hold the picture, or play on"),
    (",  and  .", "One frame back or on in the recording that is played"),
    ("F", "Full screen"),
    ("Ctrl+O", "Open a recording"),
    ("Ctrl+S", "Save on Calibrate and Train"),
    ("Esc", "Back"),
)


class SettingsPage(Page):
    """A few cards, no panel."""

    name, title, icon = "settings", "Settings", "settings"

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.panel.hide()
        self.themes = Segments(
            {ThemeMode.SYSTEM: "System", ThemeMode.LIGHT: "Light", ThemeMode.DARK: "Dark"}, studio.settings.theme
        )
        self.themes.chosen.connect(self._choose_theme)
        self.themes.setFixedWidth(280)
        look = Section("Appearance")
        look.add(row(self.themes, 1))
        look.add(label("System follows the light or dark setting of the desktop.", "small", wrap=True))
        files = Section("Workspace")
        files.add(ElidedLabel(str(studio.workspace.root)))
        files.add(label("Recordings, calibrations, networks and runs lie here.", "small", wrap=True))
        files.add(
            row(
                button("Open folder", lambda: self._open(str(studio.workspace.root)), "folder-open"),
                button("Open log", lambda: self._open(str(studio.workspace.log_file)), "external-link"),
                1,
            )
        )
        for section in (look, files, self._keys()):
            self._add_card(section)
        self.stage.addWidget(label(f"DepthStudio {__version__}   Icons: Lucide, ISC licence", "faint"))
        self.stage.addStretch(1)

    def _add_card(self, section: Section) -> None:
        card = QFrame()
        mark(card, surface="card")
        card.setFixedWidth(_CARD_WIDTH_PX)
        layout = QVBoxLayout(card)
        layout.setContentsMargins(2 * GRID_PX, 2 * GRID_PX, 2 * GRID_PX, 2 * GRID_PX)
        layout.addWidget(section)
        self.stage.addWidget(card)

    def _keys(self) -> Section:
        section = Section("Keyboard")
        grid = QGridLayout()
        grid.setHorizontalSpacing(3 * GRID_PX)
        grid.setVerticalSpacing(4)
        for i, (keys, meaning) in enumerate(_KEYS):
            grid.addWidget(label(keys, "muted"), i, 0)
            grid.addWidget(label(meaning), i, 1)
        grid.setColumnStretch(1, 1)
        section.add(grid)
        return section

    def _choose_theme(self, mode: str) -> None:
        self.studio.settings.theme = ThemeMode(mode)
        theme().apply(self.studio.settings.theme)
        self.studio.save_settings()

    def _open(self, path: str) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(path))
