"""Emitter pairs: infrared without dots as input, depth with dots as label, of one still scene.

What the projector does is read from the pictures, not from metadata: dots raise the fine contrast of infrared. Both
levels are learnt first; later a frame between them, taken while the projector changed, is left out.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import cv2
import numpy as np

from depthstudio.cameras.frame_stages import MOVING, DepthNeeded
from depthstudio.cameras.label_burst import focal_baseline_px_mm, fuse_depths
from depthstudio.cameras.source import Control
from depthstudio.datasets.views import STILL_LEVELS, grey_of, motion_levels, motion_picture
from depthstudio.errors import SourceError
from depthstudio.frames import FloatMap, Image, StereoFrame
from depthstudio.geometry import StereoCalibration

TRANSITION = "projector changing"
LEARNING = "learning the projector"
_CANNOT = "This source cannot record projector pairs."

_FINE_SIGMA_PX = 1.5
_DARK_LEVEL = 8.0
_LEAST_RATIO = 1.15
_BAND = 0.3
_STEADY = 0.06
_LEVEL_FRAMES = 5
_PATIENCE_FRAMES = 90
_FOLLOW = 0.1
_ALTERNATING_SAMPLE, _ALTERNATING_PATIENCE = 16, 48


def fine_contrast(image: Image) -> float:
    """How much of the brightness is finer than about 3 px, as dots are: 0 for a plain wall, 0.3 under a projector."""
    grey = grey_of(image).astype(np.float32)
    fine = cv2.absdiff(grey, cv2.GaussianBlur(grey, (0, 0), _FINE_SIGMA_PX))
    return float(fine.mean()) / (float(grey.mean()) + _DARK_LEVEL)


class Projector(Enum):
    """What a frame shows."""

    OFF = auto()
    ON = auto()
    CHANGING = auto()


@dataclass
class ContrastLevels:
    """Fine contrast of (left, right) without and with dots. SourceError when they are too alike to be told apart."""

    off: tuple[float, float]
    on: tuple[float, float]

    def __post_init__(self) -> None:
        if any(on < _LEAST_RATIO * off for off, on in zip(self.off, self.on, strict=True)):
            raise SourceError(
                "The projector makes no difference to the infrared pictures.",
                f"Fine contrast is {self.off[0]:.3f} without and {self.on[0]:.3f} with it in the left one, "
                f"{self.off[1]:.3f} and {self.on[1]:.3f} in the right one.",
                "Avoid sunlight, come nearer, raise the projector's power, and check that it works.",
            )

    def classify(self, contrast: tuple[float, float]) -> Projector:
        """Both pictures must agree; anything in the middle is a change."""
        shares = [(value - off) / (on - off) for value, off, on in zip(contrast, self.off, self.on, strict=True)]
        if all(share <= _BAND for share in shares):
            return Projector.OFF
        return Projector.ON if all(share >= 1 - _BAND for share in shares) else Projector.CHANGING

    def follow(self, contrast: tuple[float, float], shown: Projector) -> None:
        """Levels drift with the scene; go slowly with frames that are clear."""
        old = self.off if shown is Projector.OFF else self.on
        new = (old[0] + _FOLLOW * (contrast[0] - old[0]), old[1] + _FOLLOW * (contrast[1] - old[1]))
        if shown is Projector.OFF:
            self.off = new
        else:
            self.on = new


def emitter_control(controls: Sequence[Control]) -> Control | None:
    """The control of a source's projector; None when it has none. `Control.unavailable` says why it cannot be set."""
    return next((control for control in controls if control.name in ("emitter_enabled", "projector")), None)


class _Phase(Enum):
    LEARN_ON = auto()
    LEARN_OFF = auto()
    INPUT = auto()
    LABEL = auto()
    CHECK = auto()


class EmitterPairs:
    """Delivers frames whose images show no dots and whose depth was measured with them.

    switch(on): ask the camera for its projector; it may take effect some frames later. None: the device alternates by
    itself, once `begin` was called, with the first frame. restore: called by `close`, if frames came.
    A cycle is a frame without dots, `label_frames` with them, one without: when the first and the last picture without
    dots, or two with them, differ, something moved and the cycle is refused.
    """

    def __init__(
        self,
        switch: Callable[[bool], None] | None,
        calibration: StereoCalibration | None = None,
        label_frames: int = 5,
        begin: Callable[[], None] | None = None,
        restore: Callable[[], None] | None = None,
    ) -> None:
        self.refused: Counter[str] = Counter()
        self.hint = "Hold still: learning what the projector looks like."
        self.levels: ContrastLevels | None = None
        self._depth = DepthNeeded(self.refused)
        self._switch, self._begin = switch, begin
        self._restore = restore
        self._scale = focal_baseline_px_mm(calibration)
        self._label_frames = label_frames if switch is not None else 1
        self._recent: deque[tuple[float, float]] = deque(maxlen=_LEVEL_FRAMES if switch else _ALTERNATING_SAMPLE)
        self._phase = _Phase.LEARN_ON
        self._frames_in_phase = 0
        self._learnt_on: tuple[float, float] = (0.0, 0.0)
        self._input: StereoFrame | None = None
        self._input_view: FloatMap | None = None
        self._labels: list[StereoFrame] = []
        self._label_view: FloatMap | None = None
        self._begun = False

    def take(self, frame: StereoFrame) -> StereoFrame | None:
        """A pair when a cycle is complete. SourceError when the projector cannot be seen or does not obey."""
        if frame.right is None:
            raise SourceError(_CANNOT, "It takes infrared left and right, and depth.")
        if self._depth.is_missing(frame, _CANNOT):
            return None
        if not self._begun:
            self._begun = True
            if self._begin is not None:
                self._begin()
            self._ask(True)
        contrast = (fine_contrast(frame.left), fine_contrast(frame.right))
        self._frames_in_phase += 1
        if self.levels is None:
            self._learn(contrast)
            return None
        shown = self.levels.classify(contrast)
        if shown is Projector.CHANGING:
            self.refused[TRANSITION] += 1
            self._check_patience()
            return None
        self.levels.follow(contrast, shown)
        return self._advance(frame, shown)

    def close(self) -> None:
        """Switch the projector back as it was."""
        if self._begun and self._restore is not None:
            self._restore()

    # ---- learning the two levels

    def _learn(self, contrast: tuple[float, float]) -> None:
        self.refused[LEARNING] += 1
        self._recent.append(contrast)
        if len(self._recent) < (self._recent.maxlen or 0):
            return
        if self._switch is None:
            ordered = np.sort(np.array(self._recent), axis=0)
            low, high = ordered[len(ordered) // 4], ordered[3 * len(ordered) // 4]
            try:
                self._begin_with((float(low[0]), float(low[1])), (float(high[0]), float(high[1])))
            except SourceError:
                if self._frames_in_phase > _ALTERNATING_PATIENCE:  # it may not alternate yet
                    raise
            return
        levels = np.array(self._recent)
        steady = (levels.max(axis=0) - levels.min(axis=0) <= _STEADY * levels.mean(axis=0)).all()
        # The command takes effect some frames late: wait until the level has had the time to change.
        if not steady or self._frames_in_phase < 3 * _LEVEL_FRAMES:
            if self._frames_in_phase > _PATIENCE_FRAMES:
                raise SourceError(
                    "The infrared pictures do not settle.",
                    "Their fine contrast keeps changing.",
                    "Keep camera and scene still, and switch automatic exposure off.",
                )
            return
        level = (float(np.median(levels[:, 0])), float(np.median(levels[:, 1])))
        if self._phase is _Phase.LEARN_ON:
            self._learnt_on = level
            self._enter(_Phase.LEARN_OFF, emitter=False)
            self._recent.clear()
        else:
            self._begin_with(level, self._learnt_on)

    def _begin_with(self, off: tuple[float, float], on: tuple[float, float]) -> None:
        self.levels = ContrastLevels(off, on)
        self._recent.clear()
        self._enter(_Phase.INPUT)

    # ---- the cycle

    def _advance(self, frame: StereoFrame, shown: Projector) -> StereoFrame | None:
        wanted = Projector.ON if self._phase is _Phase.LABEL else Projector.OFF
        if shown is not wanted:
            if self._switch is not None:
                self.refused[TRANSITION] += 1
            self._check_patience()
            return None
        view = motion_picture(frame.left)
        if self._phase is _Phase.LABEL:
            self._collect_label(frame, view)
            return None
        pair = self._checked_pair(view) if self._phase is _Phase.CHECK else None
        self._input, self._input_view = frame, view
        self._labels.clear()
        self._enter(_Phase.LABEL, emitter=True)
        return pair

    def _collect_label(self, frame: StereoFrame, view: FloatMap) -> None:
        if self._labels and self._label_view is not None and motion_levels(self._label_view, view) > STILL_LEVELS:
            self._refuse_moving()
            self._enter(_Phase.INPUT, emitter=False)
            return
        self._labels.append(frame)
        self._label_view = view
        self._frames_in_phase = 0
        if len(self._labels) >= self._label_frames:
            self._enter(_Phase.CHECK, emitter=False)

    def _checked_pair(self, view: FloatMap) -> StereoFrame | None:
        before, labels = self._input, list(self._labels)
        assert before is not None and self._input_view is not None
        if motion_levels(self._input_view, view) > STILL_LEVELS:
            self._refuse_moving()
            return None
        depths = [label.depth_mm for label in labels if label.depth_mm is not None]
        fused = fuse_depths(depths, self._scale)
        self.hint = "Recorded. Move on to another view, then hold still."
        about = {"emitter_pair": True, "label_frames": len(labels), "label_first_number": labels[0].number}
        return replace(
            before,
            depth_mm=fused.depth_mm,
            label_confidence=fused.confidence if len(depths) > 1 else None,
            metadata={**before.metadata, **about},
        )

    def _refuse_moving(self) -> None:
        self.refused[MOVING] += len(self._labels) + 1
        self.hint = "Something moved: hold still."
        self._labels.clear()

    def _enter(self, phase: _Phase, emitter: bool | None = None) -> None:
        self._phase, self._frames_in_phase = phase, 0
        if emitter is not None:
            self._ask(emitter)

    def _ask(self, on: bool) -> None:
        if self._switch is not None:
            self._switch(on)

    def _check_patience(self) -> None:
        """A projector that does not obey, or a scene so changed that the levels are no longer true: learn again."""
        if self._frames_in_phase > _PATIENCE_FRAMES:
            self.levels = None
            self._labels.clear()
            self.hint = "Hold still: learning what the projector looks like."
            self._enter(_Phase.LEARN_ON, emitter=True)
