"""The page header: title, source with its state and rate, calibration. Chosen once, valid on every page."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QWidget,
    QWidgetAction,
)

from depthstudio.cameras import SourceInfo, list_sources
from depthstudio.gui.errors import Notice
from depthstudio.gui.sources import Rates, SourceState
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import GRID_PX, mark, theme
from depthstudio.gui.widgets.basics import ElidedLabel, icon_button, label, number_label, row

_STATE_DOTS = {
    SourceState.NONE: "text_faint",
    SourceState.OPENING: "warning",
    SourceState.STREAMING: "good",
    SourceState.PAUSED: "warning",
    SourceState.ENDED: "text_faint",
    SourceState.FAILED: "bad",
}
_GROUP_TITLES = {"camera": "Cameras", "simulated": "Simulated rigs", "session": "Recordings"}
_RECORDING_FILTER = "RealSense recordings (*.db3 *.bag);;All files (*)"


class Dot(QWidget):
    """A small round light in a theme colour."""

    def __init__(self) -> None:
        super().__init__()
        self._token = "text_faint"
        self.setFixedSize(QSize(10, 10))

    def set_token(self, token: str) -> None:
        """Change the colour."""
        self._token = token
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """One circle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color(self._token))
        painter.drawEllipse(self.rect().adjusted(1, 1, -1, -1))


class Chooser(QPushButton):
    """A button that shows an icon and what is chosen, elided, and opens a menu."""

    def __init__(self, icon: str, name: str, width_px: int) -> None:
        super().__init__()
        mark(self, kind="chooser")
        self._name = name
        self.setFixedWidth(width_px)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._symbol = QLabel()
        self._words = ElidedLabel("", mode=Qt.TextElideMode.ElideMiddle)
        arrow = QLabel()
        theme().set_icon(arrow, "chevron-down", "text_muted", 14)
        layout = row(self._symbol, self._words, arrow)
        layout.setStretch(1, 1)
        layout.setContentsMargins(10, 0, 8, 0)
        self.setLayout(layout)
        for part in (self._symbol, self._words, arrow):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.set_icon(icon, "text_muted")
        self.menu_shown = QMenu(self)
        self.setMenu(self.menu_shown)

    @property
    def choice(self) -> str:
        """What is shown as chosen."""
        return self._words.full_text()

    def set_icon(self, name: str, token: str) -> None:
        """Change the icon at the left."""
        theme().set_icon(self._symbol, name, token, 16)

    def set_choice(self, text: str, tip: str = "") -> None:
        """Show what is chosen."""
        self._words.set_full_text(text)
        self.setAccessibleName(f"{self._name}: {text}")
        self.setToolTip(tip or text)


class Header(QFrame):
    """Title at the left; source, state and calibration at the right."""

    sources_listed = Signal()

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.studio = studio
        self._infos: list[SourceInfo] = []
        self._listing = False
        mark(self, surface="header")
        self.setFixedHeight(56)
        self.title = label("", "title")
        self.source = Chooser("camera", "Source", 264)
        self.dot = Dot()
        self.state = number_label("", "muted")
        self.state.setMinimumWidth(128)
        self.again = icon_button("refresh-cw", "Open the source again", studio.sources.reopen)
        self.pause = icon_button("pause", "Hold the picture (P)", self.toggle_pause)
        self.calibration = Chooser("crosshair", "Calibration", 208)
        self.calibration_state = ElidedLabel("", "muted")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * GRID_PX, 0, 2 * GRID_PX, 0)
        layout.setSpacing(GRID_PX)
        layout.addWidget(self.title)
        layout.addStretch(1)
        layout.addWidget(self.source)
        layout.addWidget(self.dot)
        layout.addWidget(self.state)
        layout.addWidget(self.pause)
        layout.addWidget(self.again)
        layout.addSpacing(GRID_PX)
        layout.addWidget(self.calibration)
        self.source.menu_shown.aboutToShow.connect(self.list_sources)
        self.calibration.menu_shown.aboutToShow.connect(self._fill_calibrations)
        studio.sources.state_changed.connect(self._show_source)
        studio.sources.rates_changed.connect(self._show_rate)
        studio.calibration_changed.connect(self._show_calibration)
        studio.camera_requested.connect(self.open_camera)
        studio.recording_requested.connect(self.open_recording)
        self._fill_sources()
        self._show_source()
        self._show_calibration()

    def set_title(self, text: str) -> None:
        """Name the page shown."""
        self.title.setText(text)

    def list_sources(self) -> None:
        """Look for sources in the background; the menu shows the last list meanwhile."""
        self._fill_sources()
        if not self._listing:
            self._listing = True
            workspace = self.studio.workspace
            self.studio.tasks.run(lambda _: list_sources(workspace), "List sources", self._on_listed, self._on_unlisted)

    def toggle_pause(self) -> None:
        """Hold the picture or let it go on."""
        sources = self.studio.sources
        if sources.is_streaming:
            sources.set_paused(sources.state is not SourceState.PAUSED)

    def open_camera(self) -> None:
        """Open the first camera there is; say what to do when there is none."""

        def opened(infos: list[SourceInfo]) -> None:
            cameras = [info for info in infos if info.kind == "camera"]
            if cameras:
                self.studio.sources.open(cameras[0].url)
                return
            self.studio.notify(
                Notice(
                    "No camera found.",
                    "No RealSense camera answers on this computer.",
                    "Plug one in, into a USB 3 port, and try again; or use the simulated rig.",
                    "warning",
                    action=("Try again", self.open_camera),
                )
            )

        workspace = self.studio.workspace
        self.studio.tasks.run(lambda _: list_sources(workspace), "Look for cameras", opened)

    def open_recording(self) -> None:
        """Ask for a recording file."""
        dialog = QFileDialog(self.window(), "Open recording", str(self.studio.workspace.sessions), _RECORDING_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._ask_path(dialog)

    def open_folder(self) -> None:
        """Ask for a recording session or a folder of image pairs."""
        dialog = QFileDialog(self.window(), "Open folder", str(self.studio.workspace.sessions))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        self._ask_path(dialog)

    def _ask_path(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.studio.sources.open)
        dialog.open()

    def _on_listed(self, infos: list[SourceInfo]) -> None:
        self._listing = False
        if infos != self._infos:
            self._infos = infos
            self._fill_sources()
        self.sources_listed.emit()

    def _on_unlisted(self, error: BaseException) -> None:
        self._listing = False
        self.studio.report(error)

    def _fill_sources(self) -> None:
        menu = self.source.menu_shown
        menu.clear()
        for kind, group in groupby(self._infos, key=lambda info: info.kind):
            self._heading(menu, _GROUP_TITLES.get(kind, kind.capitalize()))
            for info in list(group)[-8:]:
                action = menu.addAction(f"{info.title}\t{info.detail}")
                action.setCheckable(True)
                action.setChecked(info.url == self.studio.sources.url)
                action.triggered.connect(lambda _checked=False, url=info.url: self.studio.sources.open(url))
        self._heading(menu, "Files and addresses")
        self._add(menu, "Open recording…", self.open_recording, "Ctrl+O")
        self._add(menu, "Open folder…", self.open_folder)
        menu.addAction(self._address_field(menu))
        if self.studio.sources.url:
            menu.addSeparator()
            self._add(menu, "Open again", self.studio.sources.reopen)
            self._add(menu, "Close the source", self.studio.sources.close)

    def _heading(self, menu: QMenu, text: str) -> None:
        """A title inside a menu; the style sheet's menus draw none of their own."""
        words = label(text, "small")
        words.setContentsMargins(12, 8, 12, 2)
        action = QWidgetAction(menu)
        action.setDefaultWidget(words)
        menu.addAction(action)

    def _add(self, menu: QMenu, text: str, action: object, keys: str = "") -> QAction:
        item = menu.addAction(text if not keys else f"{text}\t{keys}")
        item.triggered.connect(lambda _checked=False: action())  # type: ignore[operator]
        return item

    def _address_field(self, menu: QMenu) -> QWidgetAction:
        field = QLineEdit()
        field.setPlaceholderText("Type an address, e.g. sim://ir?scene=desk")
        field.setMinimumWidth(320)
        field.setAccessibleName("Source address")

        def entered() -> None:
            menu.close()
            self.studio.sources.open(field.text().strip())

        field.returnPressed.connect(entered)
        holder = QWidget()
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(GRID_PX, 4, GRID_PX, 4)
        layout.addWidget(field)
        action = QWidgetAction(menu)
        action.setDefaultWidget(holder)
        return action

    def _show_source(self) -> None:
        sources = self.studio.sources
        self.source.set_choice(sources.title or "Choose a source")
        self.dot.set_token(_STATE_DOTS[sources.state])
        self.pause.setVisible(sources.is_streaming)
        self.again.setVisible(sources.state in (SourceState.ENDED, SourceState.FAILED))
        paused = sources.state is SourceState.PAUSED
        theme().set_icon(self.pause, "play" if paused else "pause", "text_muted", 16)
        self._show_rate(sources.rates)

    def _show_rate(self, rates: Rates) -> None:
        state = self.studio.sources.state
        words = state.value
        if state is SourceState.STREAMING and rates.camera_hz > 0:
            words = f"{words} {rates.camera_hz:.1f}/s"
        self.state.setText(words)

    def _fill_calibrations(self) -> None:
        menu = self.calibration.menu_shown
        menu.clear()
        chosen = self.studio.chosen_calibration
        own = menu.addAction("From the source")
        own.setCheckable(True)
        own.setChecked(chosen is None)
        own.triggered.connect(lambda _checked=False: self.studio.use_calibration(None))
        files = self.studio.calibration_files()
        if files:
            self._heading(menu, "Workspace")
        for path in files[:12]:
            action = menu.addAction(path.stem)
            action.setCheckable(True)
            action.setChecked(chosen is not None and chosen.path == path)
            action.triggered.connect(lambda _checked=False, path=path: self.studio.load_calibration(path))
        menu.addSeparator()
        self._add(menu, "Load file…", self.open_calibration)
        self._add(menu, "Calibrate…", lambda: self.studio.show_page("calibrate"))

    def open_calibration(self) -> None:
        """Ask for a calibration file."""
        folder = str(self.studio.workspace.calibrations)
        dialog = QFileDialog(self.window(), "Load calibration", folder, "Calibrations (*.npz);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.studio.load_calibration(Path(path)))
        dialog.open()

    def _show_calibration(self) -> None:
        active = self.studio.calibration
        if active is None:
            self.calibration.set_choice("No calibration")
            self.calibration.set_icon("triangle-alert", "warning")
            return
        self.calibration.set_icon("crosshair", "good")
        c = active.calibration
        rms = f", RMS {c.rms_px:.2f} px" if c.rms_px is not None else ""
        self.calibration.set_choice(
            "Source's own" if active.path is None else active.name,
            f"{active.name}: baseline {c.baseline_m * 1000:.1f} mm, f {c.K1[0, 0]:.0f} px{rms}",
        )
