"""How to record: which frames, how often, after how many seconds."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox, QWidget

from depthstudio.cameras.recording_modes import Mode, RecordingMode
from depthstudio.gui.theme import mark
from depthstudio.gui.widgets.basics import column, field, icon_button, label, row

_COUNTDOWNS_S = (0, 3, 5, 10)


class ModeForm(QWidget):
    """changed() when another way to record is chosen. help: a label that says what it does, for the panel."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._objections: dict[Mode, str] = {}
        self.mode = field(QComboBox(), "What is recorded")
        self._items = QStandardItemModel(self)
        self.mode.setModel(self._items)
        for mode in Mode:
            self.mode.addItem(mode.title, mode)
        self.interval = field(QDoubleSpinBox(), "Seconds between frames", "Time between two recorded frames.")
        self.interval.setRange(0.1, 3600)
        self.interval.setDecimals(1)
        self.interval.setSuffix(" s")
        self.interval.setValue(1.0)
        self.burst = field(QSpinBox(), "Depth pictures per label", "More take longer and make steadier labels.")
        self.burst.setRange(3, 60)
        self.burst.setSuffix(" depths")
        self.burst.setValue(RecordingMode().burst_frames)
        self.countdown = field(QComboBox(), "Countdown", "Time to get into place before recording begins.")
        for seconds in _COUNTDOWNS_S:
            self.countdown.addItem(f"after {seconds} s" if seconds else "at once", seconds)
        self.sound = icon_button("volume-2", "Beep at the countdown and for every view taken", checkable=True)
        self.help = label("", "small", wrap=True)
        line = row(self.interval, self.burst, self.countdown, self.sound)
        for place in range(3):
            line.setStretch(place, 1)
        self.setLayout(column(self.mode, line))
        self.mode.currentIndexChanged.connect(self._show)
        self._show()

    @property
    def chosen(self) -> RecordingMode:
        """What the form says."""
        return RecordingMode(self.mode.currentData(), self.interval.value(), self.burst.value())

    @property
    def countdown_s(self) -> int:
        """Seconds before recording begins."""
        return int(self.countdown.currentData())

    def offers(self, mode: Mode) -> bool:
        """True when this way to record can be chosen now."""
        item = self._items.item(list(Mode).index(mode))
        return item is not None and item.isEnabled()

    def set_objections(self, objections: Mapping[Mode, str]) -> None:
        """Grey what the source cannot record, with the reason; an empty one allows it."""
        self._objections = dict(objections)
        for place, mode in enumerate(Mode):
            item, reason = self._items.item(place), objections.get(mode, "")
            item.setEnabled(not reason)
            item.setToolTip(reason or mode.help)
        self._show()

    def _show(self) -> None:
        mode: Mode = self.mode.currentData()
        self.interval.setVisible(mode is Mode.INTERVAL)
        self.burst.setVisible(mode in (Mode.BURST, Mode.EMITTER))
        reason = self._objections.get(mode, "")
        self.help.setText(reason or mode.help)
        mark(self.help, tone="warning" if reason else "")
        self.help.setVisible(mode is not Mode.EVERY)
        self.changed.emit()
