"""Leaving the program when something goes wrong or hangs: in a process of its own, for Qt aborts the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CLOSE = """
import sys, threading, time
from pathlib import Path
from PySide6.QtCore import QTimer
from depthstudio.gui import application, main_window
from depthstudio.workspace import Workspace

main_window._STOP_TIMEOUT_S = 0.3
make = application.make_window

def make_window(workspace):
    window = make(workspace)
    window.studio.tasks.run(lambda context: time.sleep(600), "stuck")
    def refuse():
        raise RuntimeError("a page that cannot stop")
    window.pages["capture"].shut_down = refuse
    QTimer.singleShot(100, window.close)
    return window

application.make_window = make_window
sys.exit(application.run_window(Workspace(Path(sys.argv[1]))))
"""


def close(workspace: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [sys.executable, "-c", CLOSE, str(workspace)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )


def test_a_stuck_task_and_a_failing_page_neither_crash_nor_hold_the_window(tmp_path: Path) -> None:
    closed = close(tmp_path)
    assert closed.returncode == 0, closed.stderr
    log = next(tmp_path.rglob("*.log")).read_text()
    assert "a page that cannot stop" in log
