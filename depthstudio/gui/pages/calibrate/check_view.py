"""The calibration in use: rectified pair with lines along its rows, live board check, drift of recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QComboBox, QWidget

from depthstudio.calibration import Board
from depthstudio.calibration.check import BoardCheck, DriftCheck, check_drift, judge_checks
from depthstudio.datasets import Session
from depthstudio.errors import DatasetError, UserError
from depthstudio.frames import StereoFrame
from depthstudio.gui.pages.calibrate.check_watcher import Checked, CheckWatcher
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import ActiveCalibration, Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import button, column, field, label, row
from depthstudio.gui.widgets.image_view import ImageView, Overlay
from depthstudio.gui.widgets.status import StatChip, VerdictLabel

_LINES = 12
_KEPT_CHECKS = 60
_DRIFT_FRAMES = 8


class CheckView(QWidget):
    """Rectifies what the source shows with `calibration` and measures the board in it."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._studio = studio
        self._watcher: CheckWatcher | None = None
        self._checks: list[BoardCheck] = []
        self._calibration: ActiveCalibration | None = None
        self.verdict = VerdictLabel()
        self.chips = {
            "rows": StatChip(
                "rows apart",
                "Mean vertical distance of the board's corners now, after rectification.",
                keeps_place=True,
            ),
            "worst": StatChip("95 %", "95 % of the corners are below this.", keeps_place=True),
            "scale": StatChip(
                "scale", "Distances on the board as measured by depth, against the true ones.", keeps_place=True
            ),
            "flat": StatChip("flat to", "How far the measured corners lie from a plane.", keeps_place=True),
            "distance": StatChip("board at", "Distance of the board's middle.", keeps_place=True),
        }
        self.left, self.right = (
            ImageView(f"{side}, rectified", "Open a camera or recording that shows the board")
            for side in ("Left", "Right")
        )
        again = button("Start again", self.forget, kind="link", tip="Forget what the board showed so far")
        self.recordings = field(QComboBox(), "Recording", "Its features must lie on the same rows.")
        self.recordings.setMinimumWidth(200)
        self.recordings.setPlaceholderText("No recordings yet")
        self.drift_button = button(
            "Check for drift", self.check_drift, "activity", tip="With this recording's features"
        )
        self.drift = label("", "muted", wrap=True)
        heading = row(self.verdict, again)
        heading.setStretch(0, 1)
        pair = row(self.left, self.right, spacing=GRID_PX)
        pair.setStretch(0, 1)
        pair.setStretch(1, 1)
        drift = row(label("Recording", "small"), self.recordings, self.drift_button, self.drift)
        drift.setStretch(3, 1)
        layout = column(heading, row(*self.chips.values(), 1), pair, drift)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        studio.library_changed.connect(self._list_recordings)
        self._list_recordings()

    def start(self, calibration: ActiveCalibration | None, board: Board | None) -> None:
        """Watch the source with this calibration until `stop`."""
        self.stop()
        before = self._calibration
        self._calibration = calibration
        if calibration is None or before is None or before.calibration.id != calibration.calibration.id:
            self._checks.clear()
            self.drift.setText("")
        self._show(None)
        capture = self._studio.sources.capture
        if calibration is None or board is None or capture is None:
            return
        if self._studio.sources.state is not SourceState.STREAMING:
            return
        self._watcher = CheckWatcher(capture.newest("calibration"), board, calibration.calibration)
        self._watcher.seen.connect(self._on_seen)
        self._watcher.start()

    def stop(self) -> None:
        """Nobody looks any more."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.retire()

    def forget(self) -> None:
        """Judge from the next views of the board on."""
        self._checks.clear()
        self._show(None)

    @Slot(object, object)
    def _on_seen(self, frame: StereoFrame, offer: object) -> None:
        watcher = self._watcher
        if watcher is None or self.sender() not in (watcher, None):
            return
        if watcher.last is not None and watcher.last.check is not None:
            self._checks = [*self._checks[-_KEPT_CHECKS + 1 :], watcher.last.check]
        self._show(watcher.last, getattr(offer, "reason", ""))
        watcher.shown()

    def _show(self, seen: Checked | None, reason: str = "") -> None:
        finding = judge_checks(self._checks)
        name = self._calibration.name if self._calibration is not None else ""
        if self._calibration is None:
            self.verdict.set_verdict(
                "No calibration in use", "Choose one at the top right, or collect views and solve."
            )
        elif reason and not self._checks:
            self.verdict.set_verdict("Cannot be checked", reason, "warning")
        else:
            count = f" From {len(self._checks)} sightings of the board." if self._checks else ""
            self.verdict.set_verdict(f"{name}: {finding.word.lower()}", finding.verdict + count, finding.tone)
        if seen is None:
            if self._watcher is None:
                self.left.set_image(None)
                self.right.set_image(None)
            return
        check = seen.check
        for view, image, corners in (
            (self.left, seen.left, check.left if check else None),
            (self.right, seen.right, check.right if check else None),
        ):
            view.set_image(image)
            view.set_overlays(_rows(image.shape[1], image.shape[0], corners))
        self._show_numbers(check)

    def _show_numbers(self, check: BoardCheck | None) -> None:
        if check is None:
            for chip in self.chips.values():
                chip.set_value("")
            return
        tone = judge_checks([check]).tone
        self.chips["rows"].set_value(f"{check.vertical.mean_px:.2f} px", tone)
        self.chips["worst"].set_value(f"< {check.vertical.percentile95_px:.2f} px")
        self.chips["scale"].set_value(f"{(check.scale - 1) * 100:+.2f} %")
        self.chips["flat"].set_value(f"{check.flatness_mm:.1f} mm")
        self.chips["distance"].set_value(f"{check.distance_m:.2f} m")

    # ---- drift

    def _list_recordings(self) -> None:
        chosen = self.recordings.currentData()
        self.recordings.clear()
        folder = self._studio.workspace.sessions
        folders = sorted((p for p in folder.iterdir() if p.is_dir()), reverse=True) if folder.is_dir() else []
        for path in folders:
            self.recordings.addItem(path.name, path)
        self.recordings.setCurrentIndex(max(0 if folders else -1, self.recordings.findData(chosen)))
        self.drift_button.setEnabled(bool(folders))
        self.drift_button.setToolTip("With this recording's features" if folders else "There are no recordings yet.")

    def check_drift(self) -> None:
        """Measure the rows of features in the recording chosen, with the calibration in use."""
        folder, active = self.recordings.currentData(), self._calibration
        if not isinstance(folder, Path) or active is None:
            self.drift.setText("Choose a calibration first.")
            return

        def work(context: TaskContext) -> DriftCheck:
            session = Session.open(folder)
            if not len(session):
                raise DatasetError(f"The recording {session.name} is empty.")
            picked = np.unique(np.linspace(0, len(session) - 1, _DRIFT_FRAMES).astype(int))
            frames = (session.frame(int(index)) for index in picked)
            return check_drift(frames, active.calibration, cancel=context.cancel)

        self.drift_button.setEnabled(False)
        task = self._studio.tasks.run(
            work, "Check for drift", lambda check: self._on_drift(check, active), self._on_drift_failed
        )
        task.ended.connect(lambda: self.drift_button.setEnabled(True))

    def _on_drift(self, check: DriftCheck, of: ActiveCalibration) -> None:
        now = self._calibration
        if now is not None and now.calibration.id == of.calibration.id:  # else another is in use by now
            finding = check.finding
            self.drift.setText(f"{finding.word}. {finding.verdict}")

    def _on_drift_failed(self, error: BaseException) -> None:
        self.drift.setText(str(error) if isinstance(error, UserError) else f"It failed: {error}.")


def _rows(width: int, height: int, corners: np.ndarray | None) -> list[Overlay]:
    lines = [np.array([(0, y), (width, y)], np.float32) for y in np.linspace(0, height, _LINES + 2)[1:-1]]
    overlays = [Overlay(lines=lines, token="text_faint")]
    if corners is not None:
        overlays.append(Overlay(points=corners.astype(np.float32), token="good"))
    return overlays
