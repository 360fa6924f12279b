"""The dot projector of infrared pairs: off while the board is shown, and back afterwards."""

from __future__ import annotations

from depthstudio.cameras import CaptureThread
from depthstudio.frames import StereoFrame

# Names of the setting in RealSense cameras and in the simulated ones; 0 is off.
_CONTROLS = ("emitter_enabled", "projector")


class ProjectorPause:
    """Switches one projector off and back. What is set here is not remembered as the user's own setting."""

    def __init__(self) -> None:
        self._capture: CaptureThread | None = None
        self._setting: tuple[str, float] | None = None

    @property
    def is_active(self) -> bool:
        """True while a projector is off because of this."""
        return self._setting is not None

    def begin(self, capture: CaptureThread, frame: StereoFrame) -> None:
        """Switch the projector of an infrared pair off, when it has one and it is on.

        Colour cameras do not see its dots, and the depth label needs them: there it stays on.
        """
        if self.is_active or frame.left.ndim != 2 or frame.right is None:
            return
        on = next(
            (one for one in capture.controls if one.name in _CONTROLS and one.value and not one.unavailable), None
        )
        if on is None:
            return
        self._capture, self._setting = capture, (on.name, on.value)
        capture.set_control(on.name, 0.0)

    def end(self) -> None:
        """As it was before; nothing when the camera is gone."""
        if self._capture is not None and self._setting is not None and self._capture.state.is_running:
            self._capture.set_control(*self._setting)
        self._capture, self._setting = None, None
