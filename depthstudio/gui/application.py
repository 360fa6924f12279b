"""Starting the window."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from depthstudio.gui.errors import ErrorHooks, Notice
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.settings import load_settings
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import ThemeMode, theme
from depthstudio.workspace import Workspace

# OpenCV's wheel points Qt at its own plugins; Qt would blame them for every problem with the display.
for _variable in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
    if str(Path(cv2.__file__).parent) in os.environ.get(_variable, ""):
        os.environ.pop(_variable)


def make_application() -> QApplication:
    """The QApplication; the one that exists already when there is one."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        QGuiApplication.setDesktopFileName("depthstudio")
        application = QApplication(sys.argv[:1])
    application.setApplicationName("DepthStudio")
    return application


def make_window(workspace: Workspace, mode: ThemeMode | None = None) -> MainWindow:
    """The window on a workspace, themed, not shown yet. mode: overrules the user's choice for this start."""
    settings, problem = load_settings(workspace.settings_file)
    theme().apply(mode or settings.theme)
    studio = Studio(workspace, settings)
    window = MainWindow(studio)
    if problem:
        studio.notify(Notice("The window's settings were not read.", problem, tone="warning"))
    if settings.calibration:
        path = workspace.calibrations / settings.calibration
        if path.is_file():
            studio.load_calibration(path)
    return window


def run_window(workspace: Workspace, source_url: str = "", page: str = "") -> int:
    """Open the window and stay until it is closed; returns the exit code."""
    application = make_application()
    hooks = ErrorHooks(workspace.log_file)
    hooks.install()
    window: MainWindow | None = None
    try:
        window = make_window(workspace)
        hooks.caught.connect(window.studio.report)
        if page:
            window.show_page(page)
        if source_url:
            QTimer.singleShot(0, lambda: window.studio.sources.open(source_url))
        window.show()
        window.make_pages_in_idle_time()
        code = application.exec()
    finally:
        if window is not None and window.studio.tasks.is_any_alive:
            window.shut_down()
        hooks.uninstall()
    if window.studio.tasks.is_any_alive:
        # Stuck in a driver or a file system; Qt aborts when a running thread is destroyed. Everything is saved by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
