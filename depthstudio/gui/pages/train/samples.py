"""The sample strip: the same validation frames after every epoch, to see what the numbers mean."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSlider, QWidget

from depthstudio.gui.pages.train.dataset_link import DatasetLink
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import Segments, column, field, label, number_label, row
from depthstudio.gui.widgets.image_view import ImageView
from depthstudio.training.events import FrameScore

_FILE = re.compile(r"frame_(\d+)_epoch_(\d+)\.png")
_PARTS = ("Left", "Label", "Prediction", "Error, 0 to 5 px")
_WAITING = "Predictions on three validation frames appear here after every epoch."

Picture = NDArray[np.uint8]


class SampleStrip(QWidget):
    """Left, label, prediction and error of one frame at one epoch; a slider goes through the epochs."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._tasks = studio.tasks
        self._files: dict[int, dict[int, Path]] = {}
        self._folder: Path | None = None
        self._wanted: Path | None = None
        self._loading: Path | None = None
        self._chosen = 0
        self.title = _PARTS[0]  # of the first picture: the part, or which other frame is shown
        self.views = [ImageView(text) for text in _PARTS]
        self.views[0].set_placeholder(_WAITING)
        self.slider = field(QSlider(Qt.Orientation.Horizontal), "Epoch of the predictions", "Go through the epochs")
        self._at = number_label("", "small")
        self._at.setMinimumWidth(72)
        self._frames = row(spacing=0)
        self._segments: Segments | None = None
        self.link = DatasetLink(studio)
        title = label("Validation frames", "section")
        heading = row(title, self._frames, self.slider, self._at, self.link, spacing=2 * GRID_PX)
        heading.setStretch(2, 1)
        layout = column(heading, row(*self.views, spacing=GRID_PX), spacing=4)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.slider.valueChanged.connect(self._show)
        self.show_folder(None)

    def show_folder(self, run: Path | None) -> None:
        """Show the pictures of a run, the newest epoch first; called again while it runs, the slider follows."""
        same = run == self._folder
        follows = not same or self.slider.value() == self.slider.maximum()
        self._folder = run
        self._files = _pictures_in(run / "samples") if run is not None else {}
        if not same:
            self._chosen, self._wanted = 0, None
            self._name_parts()
            for view in self.views:
                view.set_image(None)
        self._offer_frames()
        epochs = self._epochs()
        self.slider.setEnabled(len(epochs) > 1)
        self.slider.setMaximum(max(0, len(epochs) - 1))
        if follows:
            self.slider.setValue(self.slider.maximum())
        self._show()

    def show_picture(self, picture: Picture, frame: FrameScore) -> None:
        """Another frame's four parts side by side, until the slider moves."""
        self._wanted = None
        words = f"{frame.name}: {frame.epe_px:.3g} px"
        self.link.set_frame(frame.group, frame.name)
        for view, image in zip(self.views, np.split(picture, len(_PARTS), axis=1), strict=True):
            view.set_image(np.ascontiguousarray(image))
        self.title = words
        self.views[0].set_caption(words)
        self._at.setText("best")

    @property
    def epoch(self) -> int | None:
        """The epoch shown."""
        epochs = self._epochs()
        return epochs[min(self.slider.value(), len(epochs) - 1)] if epochs else None

    def _epochs(self) -> list[int]:
        frames = list(self._files.values())
        return sorted(frames[min(self._chosen, len(frames) - 1)]) if frames else []

    def _offer_frames(self) -> None:
        count = len(self._files)
        if self._segments is not None and self._frames.count() and self._segments.property("count") == count:
            return
        if self._segments is not None:
            self._frames.removeWidget(self._segments)
            self._segments.deleteLater()
            self._segments = None
        if count > 1:
            self._segments = Segments({str(i): str(i + 1) for i in range(count)}, str(min(self._chosen, count - 1)))
            self._segments.setProperty("count", count)
            self._segments.setAccessibleName("Which validation frame")
            self._segments.setToolTip("Which of the fixed validation frames")
            self._segments.chosen.connect(self._choose)
            self._frames.addWidget(self._segments)

    def _choose(self, key: str) -> None:
        self._chosen = int(key)
        self._show()

    def _show(self) -> None:
        epoch = self.epoch
        if epoch is None:
            self._at.setText("")
            return
        self._at.setText(f"epoch {epoch}" if epoch else "as it came")
        frames = list(self._files.values())
        self._wanted = frames[min(self._chosen, len(frames) - 1)][epoch]
        self._load()

    def _name_parts(self) -> None:
        self.title = _PARTS[0]
        self.link.set_frame("", "")
        self.views[0].set_caption(self.title)

    def _load(self) -> None:
        """One file at a time; the slider may be faster than the disk."""
        wanted = self._wanted
        if self._loading is not None or wanted is None:
            return
        self._loading = wanted

        def read(_: TaskContext) -> list[Picture] | None:
            return _parts_of(wanted)

        self._tasks.run(read, "Read a sample picture", self._on_read)

    def _on_read(self, parts: list[Picture] | None) -> None:
        read, self._loading = self._loading, None
        is_wanted = self._wanted is not None  # else a single frame was asked for meanwhile
        if is_wanted and self._folder is not None and read is not None and read.parent.parent == self._folder:
            for view, image in zip(self.views, parts or (), strict=False):
                view.set_image(image)
            self._name_parts()
        if self._wanted != read:
            self._load()


def _pictures_in(folder: Path) -> dict[int, dict[int, Path]]:
    """Frame index -> epoch -> file, both in order."""
    found: dict[int, dict[int, Path]] = {}
    for path in sorted(folder.glob("frame_*_epoch_*.png")):
        match = _FILE.fullmatch(path.name)
        if match is not None:
            found.setdefault(int(match[1]), {})[int(match[2])] = path
    return found


def _parts_of(path: Path) -> list[Picture] | None:
    """The four pictures in a file, RGB; None when it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None or image.shape[1] % len(_PARTS):
        return None
    return [
        np.ascontiguousarray(part) for part in np.split(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), len(_PARTS), axis=1)
    ]
