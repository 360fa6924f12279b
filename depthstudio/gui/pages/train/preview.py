"""While a run is set up, the stage shows what it would learn from: a pair, its label after the masks, one variation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QSlider, QWidget

from depthstudio.datasets.labels import LOW_VALID_SHARE, RULES, mask_label
from depthstudio.datasets.rule_map import rule_map
from depthstudio.datasets.samples import SampleSource
from depthstudio.datasets.stereo_sample import StereoSample
from depthstudio.gui.pages.train.dataset_link import DatasetLink
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.gui.theme import GRID_PX, theme
from depthstudio.gui.widgets.basics import Segments, button, column, field, label, number_label, row
from depthstudio.gui.widgets.color_bar import ColorBar
from depthstudio.gui.widgets.image_view import ImageView
from depthstudio.gui.widgets.status import StatChip
from depthstudio.training.checks.finding import FrameRef
from depthstudio.training.data import TrainingData
from depthstudio.training.settings import TrainingSettings

_REMOVED_ALPHA = 235


@dataclass(frozen=True, eq=False)
class LearningPicture:
    """One frame as it would be used. kept: share of pixels learned from. lost: rule -> share it removes.

    removed_by: (H, W) uint8, the place (from 1) in RULES of the rule that removed a pixel; None for ground truth.
    """

    sample: StereoSample
    varied: StereoSample
    kept: float
    lost: dict[str, float]
    removed_by: NDArray[np.uint8] | None


def learning_picture(samples: SampleSource, index: int, settings: TrainingSettings, draw: int) -> LearningPicture:
    """Frame `index` with its masks, and variation number `draw` of it. Reads the disk: not on the GUI thread."""
    from depthstudio.datasets.torch_dataset import DisparityDataset

    sample = samples[index]
    height, width = sample.valid.shape
    crop = min(settings.crop_width, width), min(settings.crop_height, height)
    dataset = DisparityDataset(samples, crop, settings.augment, augmentation=settings.augmentation)
    varied = dataset.prepared(sample, np.random.default_rng((settings.seed, draw, index)))
    masked = mask_label(sample.disparity_px, sample.geometry, settings.mask)
    measured = np.array_equal(masked.mask, sample.valid)  # ground truth is taken as it is, without the rules
    lost = dict(masked.statistics.removed) if measured else {}
    removed_by = rule_map(sample.disparity_px, sample.geometry, settings.mask) if measured else None
    return LearningPicture(sample, varied, float(sample.valid.mean()), lost, removed_by)


class SetupPreview(QWidget):
    """Four pictures of one frame; a slider goes through the frames of the chosen side."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._tasks = studio.tasks
        self._data: TrainingData | None = None
        self._settings: TrainingSettings | None = None
        self._draw = 0
        self._busy = False
        self._again = False
        self.side = Segments({"train": "Training", "validation": "Validation"})
        self.side.setFixedWidth(200)
        self.side.setAccessibleName("Which side")
        self.slider = field(QSlider(Qt.Orientation.Horizontal), "Frame", "Go through the frames")
        self._at = number_label("", "small")
        self._at.setMinimumWidth(112)
        self.views = {
            "left": ImageView("Left, rectified"),
            "right": ImageView("Right, rectified"),
            "label": ImageView("Label, coloured where a rule removes it"),
            "varied": ImageView("As the network gets it"),
        }
        self._bar = ColorBar("px")
        self.views["label"].range_changed.connect(self._bar.set_range)
        grid = QGridLayout()
        grid.setSpacing(GRID_PX)
        for i, view in enumerate(self.views.values()):
            grid.addWidget(view, i // 2, i % 2)
        self.kept = StatChip("kept", "Share of the pixels that the loss counts.", keeps_place=True)
        self.shares = {rule: number_label("", "small") for rule in RULES}
        for share in self.shares.values():
            share.setTextFormat(Qt.TextFormat.RichText)
            share.setToolTip("Share of all pixels that this rule removes.")
        self.draw_button = button("Vary again", self._draw_again, "wand-sparkles", "quiet")
        self.draw_button.setToolTip("Draw another crop and variation of this frame")
        self.link = DatasetLink(studio)
        title = label("What it learns from", "section")
        heading = row(title, self.side, self.slider, self._at, self.link, self.draw_button)
        heading.setStretch(2, 1)
        pictures = row(grid, self._bar, spacing=GRID_PX)
        pictures.setStretch(0, 1)
        layout = column(heading, pictures, row(self.kept, *self.shares.values(), 1, spacing=2 * GRID_PX))
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.side.chosen.connect(lambda _: self._show_count())
        self.slider.valueChanged.connect(lambda _: self._load())

    def show_data(self, data: TrainingData | None, settings: TrainingSettings | None) -> None:
        """Take over what is set up; pictures follow when they are read."""
        fresh = data is not self._data
        if settings is None or (not fresh and settings == self._settings):
            return
        self._data, self._settings = data, settings
        self._show_count()

    def show_frame(self, ref: FrameRef) -> None:
        """Go to a frame of either side."""
        self.side.set_current(ref.side)
        self._show_count()
        self.slider.setValue(ref.index)

    def _samples(self) -> SampleSource | None:
        if self._data is None:
            return None
        return self._data.train if self.side.current == "train" else self._data.validation

    def _show_count(self) -> None:
        samples = self._samples()
        self.slider.setMaximum(max(0, len(samples) - 1) if samples is not None else 0)
        self._load()

    def _draw_again(self) -> None:
        self._draw += 1
        self._load()

    def _load(self) -> None:
        """One frame at a time; the slider may be faster than the disk."""
        samples, settings = self._samples(), self._settings
        if self._busy or samples is None or settings is None:
            self._again = self._busy
            return
        self._busy = True
        index, draw = min(self.slider.value(), len(samples) - 1), self._draw
        self._at.setText(f"frame {index + 1} of {len(samples)}")

        def read(_: TaskContext) -> LearningPicture:
            return learning_picture(samples, index, settings, draw)

        self._tasks.run(read, "Read a frame", self._on_read, self._on_fault)

    def _on_fault(self, _: BaseException) -> None:
        self._load_again()  # the checks of the data say what is wrong with it

    def _load_again(self) -> None:
        """Another frame was chosen meanwhile."""
        self._busy = False
        if self._again:
            self._again = False
            self._load()

    def _on_read(self, picture: LearningPicture) -> None:
        self._load_again()
        sample = picture.sample
        self.views["left"].set_image(sample.left)
        self.views["right"].set_image(sample.right)
        self.views["label"].set_map(sample.disparity_px)
        self.views["label"].set_tint(_tint(picture))
        self.views["varied"].set_image(picture.varied.left)
        height, width = picture.varied.valid.shape
        self.views["varied"].set_caption(f"As the network gets it, {width} × {height}")
        self.views["left"].set_readout(sample.name)
        self.link.set_frame(sample.group, sample.name)
        self._show_shares(picture)

    def _show_shares(self, picture: LearningPicture) -> None:
        self.kept.set_value(f"{picture.kept:.0%}", "good" if picture.kept >= LOW_VALID_SHARE else "warning")
        for rule, words in RULES.items():
            share = self.shares[rule]
            share.setVisible(rule in picture.lost)
            if rule in picture.lost:
                dot = f'<span style="color:{theme().hex(f"mask_{rule}")}">●</span>'
                share.setText(f"{dot} {words} <b>−{picture.lost[rule]:.0%}</b>")


def _tint(picture: LearningPicture) -> NDArray[np.uint8]:
    """(H, W, 4) BGRA: over what the rules take away lies the colour of the rule, as on the Dataset page."""
    table = np.zeros((len(RULES) + 1, 4), np.uint8)
    for number, rule in enumerate(RULES, start=1):
        if rule != "finite":  # nothing was measured there, so there is nothing to see either
            red, green, blue = theme().rgb(f"mask_{rule}")
            table[number] = (blue, green, red, _REMOVED_ALPHA)
    if picture.removed_by is None:
        return np.zeros((*picture.sample.valid.shape, 4), np.uint8)
    return table[picture.removed_by]
