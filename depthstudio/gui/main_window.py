"""MainWindow: side bar, header, notices, the pages and the status strip."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from depthstudio.gui.errors import Notice
from depthstudio.gui.header import Header
from depthstudio.gui.pages import PAGES, Pages
from depthstudio.gui.pages.base import Page
from depthstudio.gui.side_bar import SideBar
from depthstudio.gui.sources import SourceState
from depthstudio.gui.status_strip import StatusStrip
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import column, row
from depthstudio.gui.widgets.playback_bar import PlaybackBar
from depthstudio.gui.widgets.sheet import QuestionSheet
from depthstudio.gui.widgets.status import NoticeBanner

_log = logging.getLogger(__name__)
_MAX_NOTICES = 3
_GOOD_NEWS_MS = 6000
_STOP_TIMEOUT_S = 10.0
_IDLE_MS = 150


class MainWindow(QMainWindow):
    """One window. Pages are made when first needed and kept, so that they remember what they showed."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.studio = studio
        self.setWindowTitle("DepthStudio")
        self.setMinimumSize(1040, 640)
        self.resize(*studio.settings.window_size)
        if studio.settings.window_maximized:
            self.setWindowState(Qt.WindowState.WindowMaximized)
        self._may_close = False
        self.question: QuestionSheet | None = None
        self.side_bar = SideBar()
        self.header = Header(studio)
        self.status = StatusStrip(studio)
        self.notices = QVBoxLayout()
        self.notices.setContentsMargins(0, 0, 0, 0)
        self.notices.setSpacing(GRID_PX)
        self._notice_area = QWidget()
        self._notice_area.setLayout(self.notices)
        self.notices.setContentsMargins(2 * GRID_PX, GRID_PX, 2 * GRID_PX, 0)
        self._notice_area.hide()
        self._banners: list[NoticeBanner] = []
        self._stack = QStackedWidget()
        self.playback = PlaybackBar(studio.sources)
        self.pages = Pages(studio, self._stack.addWidget)
        for page in PAGES:
            self.side_bar.add_page(page.name, page.title, page.icon, at_bottom=page.name == "settings")
        body = column(self.header, self._notice_area, self._stack, self.playback, self.status, spacing=0)
        body.setStretchFactor(self._stack, 1)
        central = QWidget()
        central.setLayout(row(self.side_bar, body, spacing=0))
        self.setCentralWidget(central)
        self._connect()
        self._add_keys()
        self._show_dots()
        self.show_page(studio.settings.page if studio.settings.page in self.pages else "capture")

    @property
    def page(self) -> Page:
        """The page shown."""
        current = self._stack.currentWidget()
        assert isinstance(current, Page)
        return current

    def show_page(self, name: str) -> None:
        """Show a page by name."""
        page = self.pages[name]
        self._stack.setCurrentWidget(page)
        self.side_bar.set_current(name)
        self.header.set_title(page.title)
        self.studio.settings.page = name

    def show_notice(self, notice: Notice) -> None:
        """Show a notice above the page; the same one twice is shown once, and the oldest gives way to a fourth.

        Good news goes by itself after a while; what the user must know or can act on stays until dismissed.
        """
        for banner in self.banners:
            if banner.notice.what == notice.what and banner.notice.why == notice.why:
                return
        if len(self.banners) >= _MAX_NOTICES:
            self._close_notice(self.banners[0])
        banner = NoticeBanner(notice, str(self.studio.workspace.log_file), self._close_notice)
        self._banners.append(banner)
        self.notices.addWidget(banner)
        self._notice_area.show()
        if notice.tone == "good" and notice.action is None:
            QTimer.singleShot(_GOOD_NEWS_MS, banner, lambda: self._close_notice(banner))

    @property
    def banners(self) -> list[NoticeBanner]:
        """The notices shown, oldest first."""
        return list(self._banners)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask while something runs that must not be cut off; then stop everything in order."""
        if not self._may_close and (what := self._would_be_cut_off()):
            event.ignore()
            self._ask_to_close(what)
            return
        size = self.normalGeometry().size() if self.isFullScreen() or self.isMaximized() else self.size()
        self.studio.settings.window_size = (size.width(), size.height())
        self.studio.settings.window_maximized = self.isMaximized()
        self.studio.save_settings()
        self.shut_down()
        event.accept()

    def shut_down(self) -> None:
        """Stop every page, task and the source. One that fails keeps none of the others from stopping."""
        stops: list[Callable[[], object]] = [page.shut_down for page in self.pages.made]
        stops += [lambda: self.studio.tasks.stop_all(_STOP_TIMEOUT_S), self.studio.sources.close_now]
        for stop in stops:
            try:
                stop()
            except Exception:
                _log.exception("Stopping failed while closing the window")

    def make_pages_in_idle_time(self) -> None:
        """Make the other pages one after another between events, so that showing one for the first time is quick."""
        self._making = QTimer(self, interval=_IDLE_MS)
        self._making.timeout.connect(self._make_next_page)
        self._making.start()

    def toggle_full_screen(self) -> None:
        """The page alone on the whole screen, and back to the window as it was, maximised or not."""
        full = not self.isFullScreen()
        for chrome in (self.side_bar, self.header, self.status):
            chrome.setVisible(not full)
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _connect(self) -> None:
        studio = self.studio
        self.side_bar.chosen.connect(self.show_page)
        studio.page_requested.connect(self.show_page)
        studio.noticed.connect(self.show_notice)
        studio.resolved.connect(self._close_topic)
        studio.activity_changed.connect(self._show_dots)
        studio.calibration_changed.connect(self._show_dots)
        studio.sources.state_changed.connect(self._show_dots)

        for page in PAGES:
            for signal, method in page.answers.items():
                getattr(studio, signal).connect(partial(self._answer, page.name, method))

    def _answer(self, name: str, method: str, *what: object) -> None:
        getattr(self.pages[name], method)(*what)

    def _make_next_page(self) -> None:
        if not self.pages.make_next():
            self._making.stop()

    def _add_keys(self) -> None:
        for number, name in enumerate((name for name in self.pages if name != "settings"), start=1):
            self._key(str(number), lambda name=name: self.show_page(name))
        self._key("Ctrl+,", lambda: self.show_page("settings"))
        self._key("P", self.studio.sources.toggle_pause)
        self._key(",", lambda: self.studio.sources.step(-1))
        self._key(".", lambda: self.studio.sources.step(1))
        self._key("F", self.toggle_full_screen)
        self._key("Ctrl+O", self.header.source.open_recording)
        self._key("Esc", self._on_escape)

    def _key(self, keys: str, action: object) -> None:
        QShortcut(QKeySequence(keys), self, context=Qt.ShortcutContext.WindowShortcut).activated.connect(action)

    def _on_escape(self) -> None:
        if self.isFullScreen():
            self.toggle_full_screen()
        elif self.banners:
            self._close_notice(self.banners[-1])
        else:
            self.page.on_escape()

    def _show_dots(self) -> None:
        buttons = self.side_bar.buttons
        dots = dict.fromkeys(buttons, ("", ""))
        if self.studio.sources.state in (SourceState.STREAMING, SourceState.PAUSED):
            dots["capture"] = ("good", "A source is open.")
            if self.studio.calibration is None:
                dots["calibrate"] = ("warning", "The source is not calibrated.")
        for name, activity in self.studio.activities.items():
            dots[name] = ("bad" if name == "capture" else "accent", activity.text)
        for name, button in buttons.items():
            button.set_dot(*dots[name])

    def _close_notice(self, banner: NoticeBanner) -> None:
        if banner not in self._banners:
            return
        self._banners.remove(banner)
        self.notices.removeWidget(banner)
        banner.deleteLater()
        self._notice_area.setVisible(bool(self.banners))

    def _close_topic(self, topic: str) -> None:
        for banner in self.banners:
            if banner.notice.topic == topic:
                self._close_notice(banner)

    def _would_be_cut_off(self) -> str:
        """What closing would cut off, as a question's text; empty when nothing."""
        activities = self.studio.activities.values()
        told = [activity.question for activity in activities]
        titles = [task.title for task in self.studio.tasks.running if task.shown]
        if titles and not any(activity.runs for activity in activities):
            them = "it" if len(titles) == 1 else "them"
            told.append(f"Not finished yet: {', '.join(titles)}. Closing cuts {them} off.")
        return " ".join(told)

    def _ask_to_close(self, text: str) -> None:
        if self.question is not None:
            return
        answers = [("Stay", self._stay, ""), ("Close anyway", self._close_anyway, "danger")]
        self.question = QuestionSheet(self, "Close DepthStudio?", text, answers)

    def _stay(self) -> None:
        self.question = None

    def _close_anyway(self) -> None:
        self.question = None
        self._may_close = True
        self.close()
