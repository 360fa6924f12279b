"""Which streams of a RealSense to enable: chosen from what the device lists, nothing hard-coded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from depthstudio.cameras.realsense_frames import COLOR, DEPTH, INFRARED_LEFT, INFRARED_RIGHT, stream_of
from depthstudio.errors import SourceError

Mode = tuple[int, int, int]  # width px, height px, frames per second
Modes = dict[Mode, Any]

MODES = ("ir", "rgb")
_USUAL_SIZE = (640, 480)
_USUAL_FPS = 30


@dataclass(frozen=True)
class StreamRequest:
    """Mode ``ir``: infrared 1 and 2, depth, and colour unless `color` is False. Mode ``rgb``: colour and depth."""

    mode: str = "ir"
    size: tuple[int, int] | None = None
    fps: int | None = None
    color: bool = True


def choose_profiles(available: Iterable[Any], request: StreamRequest) -> dict[str, Any]:
    """One profile per stream. `available`: every profile of every sensor.

    Without a size or rate asked for, the one nearest to 640x480 at 30/s is taken. SourceError lists what there is.
    """
    by_stream = _by_stream(available)
    if request.mode == "ir":
        return _infrared(by_stream, request)
    return _color(by_stream, request)


def offered_modes(available: Iterable[Any], mode: str) -> tuple[Mode, ...]:
    """Every size and rate that the left image of mode ``ir`` or ``rgb`` can have, sorted."""
    by_stream = _by_stream(available)
    if mode == "rgb":
        return tuple(sorted(by_stream.get(COLOR, {})))
    return tuple(sorted(_pairs(by_stream)))


def _by_stream(available: Iterable[Any]) -> dict[str, Modes]:
    by_stream: dict[str, Modes] = {}
    for profile in available:
        stream = stream_of(profile)
        if stream is not None:
            video = profile.as_video_stream_profile()
            modes = by_stream.setdefault(stream, {})
            key = (video.width(), video.height(), video.fps())
            if key not in modes or profile.format().name in ("y8", "rgb8", "z16"):
                modes[key] = video
    return by_stream


def _pairs(by_stream: dict[str, Modes]) -> Modes:
    """Modes of infrared 1 that infrared 2 has too, with depth of the same where there is any."""
    left, right = by_stream.get(INFRARED_LEFT, {}), by_stream.get(INFRARED_RIGHT, {})
    shared = {key: left[key] for key in left if key in right}
    return {key: left[key] for key in shared if key in by_stream.get(DEPTH, {})} or shared


def _color(by_stream: dict[str, Modes], request: StreamRequest) -> dict[str, Any]:
    color, depth = by_stream.get(COLOR, {}), by_stream.get(DEPTH, {})
    if not color:
        raise SourceError("The camera offers no colour stream.", next_step="Use mode=ir.")
    key = _asked_for(color, request)
    chosen = {COLOR: color[key]}
    if depth:
        chosen[DEPTH] = depth[_nearest(depth, key)]
    return chosen


def _infrared(by_stream: dict[str, Modes], request: StreamRequest) -> dict[str, Any]:
    left, right = by_stream.get(INFRARED_LEFT, {}), by_stream.get(INFRARED_RIGHT, {})
    pairs = _pairs(by_stream)
    if not pairs:
        raise SourceError("The camera offers no pair of infrared streams.", next_step="Use mode=rgb.")
    depth, color = by_stream.get(DEPTH, {}), by_stream.get(COLOR, {})
    key = _asked_for(pairs, request)
    chosen = {INFRARED_LEFT: left[key], INFRARED_RIGHT: right[key]}
    if key in depth:
        chosen[DEPTH] = depth[key]
    if request.color and color:
        chosen[COLOR] = color[_nearest(color, key)]
    return chosen


def _asked_for(modes: Modes, request: StreamRequest) -> Mode:
    """The mode that is asked for; what is left open is taken as usual."""
    fitting = {
        mode: profile
        for mode, profile in modes.items()
        if request.size in (None, mode[:2]) and request.fps in (None, mode[2])
    }
    if not fitting:
        listed = ", ".join(f"{width}x{height} at {fps}/s" for width, height, fps in sorted(modes))
        raise SourceError(
            "The camera does not offer this size and rate.", f"It offers {listed}.", "Choose one of them."
        )
    return _nearest(fitting, (*(request.size or _USUAL_SIZE), request.fps or _USUAL_FPS))


def _nearest(modes: Modes, wanted: Mode) -> Mode:
    """Nearest in rate first, then in number of pixels, then in shape."""
    width, height, fps = wanted
    return min(modes, key=lambda m: (abs(m[2] - fps), abs(m[0] * m[1] - width * height), abs(m[0] - width)))
