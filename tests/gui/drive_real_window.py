"""Run by test_real_window.py in a process of its own, on a real display: the whole way from an empty workspace to live
disparity of a network fine-tuned a moment ago, through the pages' own widgets, with a picture of every page.

usage: drive_real_window.py WORKSPACE SCREENSHOT_FOLDER
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from PySide6.QtCore import QEventLoop, QTimer

from depthstudio.gui.application import make_application, make_window
from depthstudio.gui.export_sheet import ExportSheet
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.calibrate import CalibratePage
from depthstudio.gui.pages.capture import CapturePage
from depthstudio.gui.pages.dataset import DatasetPage
from depthstudio.gui.pages.evaluate import EvaluatePage
from depthstudio.gui.pages.live import LivePage
from depthstudio.gui.pages.train import TrainPage
from depthstudio.gui.theme import ThemeMode, theme
from depthstudio.workspace import Workspace

SIZES = ((1280, 720), (1920, 1080))
BOARD = "sim://hybrid?scene=board&frames=30"
ROOM = "sim://hybrid?scene=desk&frames=5&seed={seed}"
VIEWS = 8
PATIENCE_S = 240.0
P = TypeVar("P")


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


class WholeWay:
    """The steps, in order. Each waits for what a person would wait for."""

    def __init__(self, window: MainWindow, pictures: Path) -> None:
        self.window = window
        self.studio = window.studio
        self.pictures = pictures

    def page(self, kind: type[P], name: str) -> P:
        self.window.show_page(name)
        page = self.window.pages[name]
        assert isinstance(page, kind)
        return page

    def start_empty(self) -> None:
        page = self.page(CapturePage, "capture")
        assert page.is_empty, "an empty workspace says what to do"
        self.photograph("welcome")

    def calibrate(self) -> None:
        page = self.page(CalibratePage, "calibrate")
        self.studio.sources.open(BOARD)
        wait_until(lambda: len(page.collector.collected) >= VIEWS, f"Taking {VIEWS} views")
        self.photograph("calibrate")
        page.footer.solve_button.click()
        wait_until(lambda: page.solved is not None, "Solving")
        self.photograph("report")
        page.footer.name_field.setText("bench")
        page.footer.save_button.click()
        wait_until(lambda: self.studio.calibration is not None, "Using the calibration")

    def record(self, seed: int) -> None:
        page = self.page(CapturePage, "capture")
        self.studio.sources.open(ROOM.format(seed=seed))
        wait_until(lambda: self.studio.sources.last_frame is not None, "The first frame")
        page.record.name.setText(f"room {seed}")
        page.record.button.click()
        wait_until(lambda: page.recording.recorded >= 6, "Recording")
        page.record.button.click()
        wait_until(lambda: not page.recording.is_busy and len(page.recent.list.cards) >= seed, "The recording's card")
        if seed == 2:
            self.photograph("capture")

    def assign_roles(self) -> None:
        page = self.page(DatasetPage, "dataset")
        wait_until(lambda: len(page.recordings) == 2, "Listing two recordings")
        for recording in list(page.recordings):
            page.choose(recording.folder)
            page.bar.set_role("validation" if recording.session.name == "room 2" else "train")
        stored = {"train", "validation"}
        wait_until(lambda: {recording.session.role for recording in page.recordings} == stored, "Storing the roles")
        self.photograph("dataset")

    def fine_tune(self) -> Path:
        page = self.page(TrainPage, "train")
        form = page.setup.form
        entered = form.settings()
        assert entered is not None
        form.set_values(entered.changed(epochs=2, batch_size=2, crop_width=160, crop_height=96))
        wait_until(page.start_footer.button.isEnabled, "Allowing to start")
        self.photograph("train-setup")
        page.start_footer.button.click()
        wait_until(lambda: page.job.story is not None and len(page.job.story.epochs) >= 1, "The first epoch")
        self.photograph("train")
        wait_until(lambda: not page.job.is_running, "Finishing")
        assert page.shown is not None
        folder = page.shown.folder
        assert folder is not None
        assert (folder / "best.safetensors").is_file()
        self.photograph("train-done")
        return folder

    def look_at_export(self, run: Path) -> None:
        page = self.page(TrainPage, "train")
        page.exits.export.click()
        sheet = self.window.findChild(ExportSheet)
        assert sheet is not None
        assert sheet.form.wish.network == run / "best.safetensors"
        self.photograph("export")
        sheet.dismiss()

    def look_at_evaluation(self, run: Path) -> None:
        self.page(TrainPage, "train").exits.evaluate.click()
        page = self.window.pages["evaluate"]
        assert isinstance(page, EvaluatePage)
        assert page.isVisible(), "the evaluation button leads to the page"
        assert run / "best.safetensors" in page.setup.wish.networks
        self.photograph("evaluate-setup")
        self.page(TrainPage, "train").exits.preview.click()

    def watch_live(self, run: Path) -> None:
        page = self.window.pages["live"]
        assert isinstance(page, LivePage)
        assert page.isVisible(), "the preview button leads to the live page"
        wait_until(lambda: page.views.result is not None, "The first live prediction")
        assert page.networks.current == run / "best.safetensors"
        result = page.views.result
        assert result is not None
        assert np.isfinite(result.prediction.disparity_px).all()
        self.photograph("live")

    def photograph(self, name: str) -> None:
        """The page that is shown, small and large, light and dark."""
        for mode in (ThemeMode.DARK, ThemeMode.LIGHT):
            theme().apply(mode)
            for width, height in SIZES:
                self.window.resize(width, height)
                wait(0.4)
                self.window.grab().save(str(self.pictures / f"{name}-{width}x{height}-{mode.value}.png"))


def main() -> None:
    """The whole visit."""
    workspace, folder = Workspace(Path(sys.argv[1])), Path(sys.argv[2])
    make_application()
    window = make_window(workspace, ThemeMode.LIGHT)
    window.show()
    way = WholeWay(window, folder)
    way.start_empty()
    way.calibrate()
    way.record(1)
    way.record(2)
    way.assign_roles()
    run = way.fine_tune()
    way.look_at_export(run)
    way.look_at_evaluation(run)
    way.watch_live(run)
    notices = [banner.notice.what for banner in window.banners if banner.notice.tone == "bad"]
    window.close()
    if notices:
        raise SystemExit(f"Errors appeared: {notices}")


if __name__ == "__main__":
    main()
