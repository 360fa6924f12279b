"""Choosing the source: cameras, rigs and recordings in a menu, files, folders and typed addresses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import groupby

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QHBoxLayout, QLineEdit, QWidget, QWidgetAction

from depthstudio.cameras import SourceInfo, list_sources
from depthstudio.cameras.urls import SourceUrl
from depthstudio.cameras.usb_report import UsbReport, realsense_usb_report
from depthstudio.gui.errors import Notice
from depthstudio.gui.studio import SOURCE_TOPIC, Studio
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.chooser import Chooser

_GROUP_TITLES = {"camera": "Cameras", "simulated": "Simulated rigs", "session": "Recordings"}
_RECORDING_FILTER = "RealSense recordings (*.db3 *.bag);;All files (*)"
_NEWEST_SHOWN = 8
_RECENT_KEPT = 6
_LONGEST_FOLDER = 48
_WIDTH_PX = 264


class SourceChooser(Chooser):
    """Lists sources in the background whenever its menu opens; the last list is shown meanwhile."""

    def __init__(self, studio: Studio) -> None:
        super().__init__("camera", "Source", _WIDTH_PX)
        self._studio = studio
        self._infos: list[SourceInfo] = []
        self._listing = self._list_again = False
        self.address = QLineEdit()
        self._address_action = self._make_address_action()
        self.menu_shown.aboutToShow.connect(self.list_sources)
        studio.sources.cameras_changed.connect(self.list_sources)
        studio.sources.watch_cameras()
        studio.sources.state_changed.connect(self._show)
        studio.sources.opened.connect(self._remember)
        studio.camera_requested.connect(self.open_camera)
        studio.recording_requested.connect(self.open_recording)
        self._fill()
        self._show()

    def list_sources(self) -> None:
        """Look for sources; once more when something is asked for while it looks."""
        self._fill()
        self._list_again = self._listing
        if not self._listing:
            self._listing = True
            workspace = self._studio.workspace
            task = self._studio.tasks.run(lambda _: list_sources(workspace), "List sources", self._on_listed)
            task.ended.connect(self._on_list_ended)

    def open_camera(self) -> None:
        """Open the first camera there is; say what to do when there is none."""
        workspace = self._studio.workspace
        self._studio.tasks.run(
            lambda _: (list_sources(workspace), realsense_usb_report()), "Look for cameras", self._open_first_camera
        )

    def open_recording(self) -> None:
        """Ask for a recording file."""
        dialog = QFileDialog(self.window(), "Open recording", str(self._studio.workspace.sessions), _RECORDING_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._ask_path(dialog)

    def open_folder(self) -> None:
        """Ask for a recording session or a folder of image pairs."""
        dialog = QFileDialog(self.window(), "Open folder", str(self._studio.workspace.sessions))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        self._ask_path(dialog)

    def _ask_path(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._studio.sources.open)
        dialog.open()

    def _open_first_camera(self, found: tuple[list[SourceInfo], UsbReport]) -> None:
        infos, report = found
        cameras = [info for info in infos if info.kind == "camera"]
        if cameras:
            self._studio.sources.open(cameras[0].url)
            return
        what, *advice = report.lines()
        commands = report.commands()
        copy = ("Copy the commands", lambda: QApplication.clipboard().setText("\n".join(commands)))
        self._studio.notify(
            Notice(
                "No camera found.",
                what,
                " ".join(advice),
                "warning",
                action=copy if commands else ("Try again", self.open_camera),
                topic=SOURCE_TOPIC,
            )
        )

    def _on_listed(self, infos: list[SourceInfo]) -> None:
        if infos != self._infos:
            self._infos = infos
            self._fill()

    def _on_list_ended(self) -> None:
        self._listing = False
        if self._list_again:
            self.list_sources()

    def _remember(self) -> None:
        """What was opened from elsewhere is found again in the menu."""
        url, settings = self._studio.sources.url, self._studio.settings
        others = [one for one in settings.recent_urls if one != url]
        if not (self._is_listed(url) or url.startswith("realsense:")):  # a camera's mode is remembered with it
            settings.recent_urls = [url, *others][:_RECENT_KEPT]

    def _is_listed(self, url: str) -> bool:
        """Among the cameras, rigs and recordings shown in the menu."""
        return any(info.url == url for _, group in self._groups() for info in group)

    def _groups(self) -> Iterator[tuple[str, list[SourceInfo]]]:
        """Kind, and what is shown of it."""
        for kind, group in groupby(self._infos, key=lambda info: info.kind):
            yield kind, list(group)[-_NEWEST_SHOWN:]

    def _show(self) -> None:
        self.set_choice(self._studio.sources.title or "Choose a source")

    def _fill(self) -> None:
        sources, menu = self._studio.sources, self.menu_shown
        is_typing = self.address.hasFocus()
        menu.clear()
        for kind, group in self._groups():
            self.add_heading(_GROUP_TITLES.get(kind, kind.capitalize()))
            for info in group:
                choose = self.add_item(f"{info.title}\t{info.detail}", partial(sources.open, info.url))
                choose.setCheckable(True)
                choose.setChecked(info.url == sources.url)
        recent = [url for url in self._studio.settings.recent_urls if not self._is_listed(url)]
        if recent:
            self.add_heading("Opened lately")
        for url in recent:
            choose = self.add_item("\t".join(filter(None, _spoken(url))), partial(sources.open, url))
            choose.setCheckable(True)
            choose.setChecked(url == sources.url)
        self.add_heading("Files and addresses")
        self.add_item("Open recording…\tCtrl+O", self.open_recording)
        self.add_item("Open folder…", self.open_folder)
        menu.addAction(self._address_action)
        if is_typing:
            self.address.setFocus()
        if sources.url:
            menu.addSeparator()
            self.add_item("Open again", sources.reopen)
            self.add_item("Close the source", sources.close)

    def _make_address_action(self) -> QWidgetAction:
        """Made once: the menu is filled again whenever a camera comes or goes, perhaps while somebody types."""
        field = self.address
        field.setPlaceholderText("Type an address, e.g. sim://ir?scene=desk")
        field.setMinimumWidth(320)
        field.setAccessibleName("Source address")

        def entered() -> None:
            address = field.text().strip()
            if address:
                field.clear()
                self.menu_shown.close()
                self._studio.sources.open(address)

        field.returnPressed.connect(entered)
        holder = QWidget()
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(GRID_PX, 4, GRID_PX, 4)
        layout.addWidget(field)
        action = QWidgetAction(self)
        action.setDefaultWidget(holder)
        return action


def _spoken(url: str) -> tuple[str, str]:
    """What to call a source that is not listed, and where it is."""
    scheme, _, target = url.partition("://")
    if not target:
        return url, ""
    known = SourceUrl.parse(url)
    if scheme in ("file", "folder", "session"):
        folder = str(known.path.parent)
        return known.path.name, folder if len(folder) <= _LONGEST_FOLDER else f"…{folder[1 - _LONGEST_FOLDER :]}"
    return url, ""
