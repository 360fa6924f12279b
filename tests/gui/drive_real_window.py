"""Run by test_real_window.py in a process of its own, on a real display: opens, records, visits every page, closes.

usage: drive_real_window.py WORKSPACE SCREENSHOT_FOLDER
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer

from depthstudio.gui.application import make_application, make_window
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.capture import CapturePage
from depthstudio.gui.theme import ThemeMode, theme
from depthstudio.workspace import Workspace

SIZES = ((1280, 720), (1920, 1080))
RIG = "sim://ir?scene=desk&size=320x240&frames=8"
PATIENCE_S = 90.0


def wait(seconds: float) -> None:
    """Let the event loop run."""
    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def wait_until(happened: Callable[[], bool], what: str) -> None:
    """Let the event loop run until something happened; SystemExit when it does not."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not happened():
        if time.monotonic() > deadline_s:
            raise SystemExit(f"{what} did not happen.")
        wait(0.05)


def record(window: MainWindow) -> None:
    """Open the rig and record a few frames through the page's own widgets."""
    page = window.pages["capture"]
    assert isinstance(page, CapturePage)
    window.studio.sources.open(RIG)
    wait_until(lambda: window.studio.sources.last_frame is not None, "The first frame")
    page.record.name.setText("bench")
    page.record.button.click()
    wait_until(lambda: page.recording.recorded >= 3, "Recording")
    page.record.button.click()
    wait_until(lambda: not page.recording.is_busy and bool(page.recent.list.cards), "The recording's card")


def photograph(window: MainWindow, folder: Path) -> None:
    """Every page, small and large, light and dark."""
    for mode in (ThemeMode.LIGHT, ThemeMode.DARK):
        theme().apply(mode)
        for width, height in SIZES:
            window.resize(width, height)
            for name in window.pages:
                window.show_page(name)
                wait(0.3)
                window.grab().save(str(folder / f"{name}-{width}x{height}-{mode.value}.png"))


def main() -> None:
    """The whole visit."""
    workspace, folder = Workspace(Path(sys.argv[1])), Path(sys.argv[2])
    make_application()
    window = make_window(workspace, ThemeMode.LIGHT)
    window.show()
    record(window)
    photograph(window, folder)
    notices = [banner.notice.what for banner in window.banners]
    window.close()
    if notices:
        raise SystemExit(f"Notices appeared: {notices}")


if __name__ == "__main__":
    main()
