"""From a source's URL to the source, and what there is to open on this computer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from depthstudio.cameras.source import FrameSource
from depthstudio.cameras.urls import SourceUrl
from depthstudio.datasets.session import list_sessions
from depthstudio.errors import SourceError
from depthstudio.workspace import Workspace


@dataclass(frozen=True)
class SourceInfo:
    """One source that can be opened. kind: ``camera``, ``simulated`` or ``session``. detail: one short line.

    devices: the cameras it needs.
    """

    url: str
    title: str
    kind: str
    detail: str = ""
    devices: tuple[str, ...] = ()


def open_source(url: str) -> FrameSource:
    """The source that `url` (or a plain path) names, not opened yet: `open` it on the thread that reads it.

    SourceError for an unknown scheme or option, or a file that is not there.
    """
    parsed = SourceUrl.parse(url)
    if parsed.scheme not in _MAKERS:
        raise SourceError(
            f"There is no source '{url}'.",
            f"{parsed.scheme}:// is unknown.",
            f"Known are {', '.join(f'{scheme}://' for scheme in _MAKERS)}.",
        )
    return _MAKERS[parsed.scheme](parsed)


def list_sources(workspace: Workspace | None = None) -> list[SourceInfo]:
    """Cameras, the simulated rigs and the workspace's sessions. Takes milliseconds, never raises."""
    sessions = [
        SourceInfo(
            str(SourceUrl.for_path("session", session.folder)),
            session.name,
            "session",
            f"{session.frame_count} frames" + (f", {session.role}" if session.role else ""),
        )
        for session in (list_sessions(workspace.sessions) if workspace is not None else ())
    ]
    return [*list_cameras(), *_SIMULATED, *sessions]


def list_cameras() -> list[SourceInfo]:
    """Connected RealSense and USB cameras, and the pairs that can be made of them."""
    from depthstudio.cameras.realsense_devices import list_devices
    from depthstudio.cameras.usb_devices import list_usb_cameras

    devices, webcams = list_devices(), list_usb_cameras()
    found = []
    for device in devices:
        modes = {"ir": "infrared", "rgb": "colour"} if device.has_infrared_pair else {"rgb": "colour"}
        for mode, word in modes.items():
            url = f"realsense://{device.serial}?mode={mode}"
            found.append(SourceInfo(url, f"{device.name}, {word}", "camera", device.detail, (device.key,)))
    for device in devices:
        for webcam in webcams:
            url = str(SourceUrl("hybrid", f"{device.serial}+usb:{webcam.key}"))
            title, keys = f"{device.name} + {webcam.name}", (device.key, webcam.device_key)
            found.append(SourceInfo(url, title, "camera", "hybrid rig, USB camera at the right", keys))
    for a, b in pairwise(webcams):
        url, keys = str(SourceUrl("usb", f"{a.key}+{b.key}")), (a.device_key, b.device_key)
        found.append(SourceInfo(url, f"{a.name} + {b.name}", "camera", "two USB cameras", keys))
    for webcam in webcams:
        if any(width >= 2 * height for width, height, _ in webcam.modes):
            url = str(SourceUrl("usb", webcam.key))
            found.append(SourceInfo(url, f"{webcam.name}, side by side", "camera", webcam.detail, (webcam.device_key,)))
    return found


_SIMULATED = (
    SourceInfo(
        "sim://ir?scene=desk", "Simulated infrared pair", "simulated", "rectified, 50 mm baseline, projector on"
    ),
    SourceInfo(
        "sim://hybrid?scene=desk", "Simulated hybrid rig", "simulated", "two different cameras, 130 mm baseline"
    ),
    SourceInfo("sim://hybrid?scene=board", "Simulated chessboard", "simulated", "for calibrating the hybrid rig"),
    SourceInfo("sim://ir?scene=wall&distance_m=1.0", "Simulated wall", "simulated", "a flat wall at a known distance"),
)


def _simulated(url: SourceUrl) -> FrameSource:
    from depthstudio.cameras.simulated import SimulatedSource

    return SimulatedSource.from_url(str(url))


def _sdk_file(url: SourceUrl) -> FrameSource:
    from depthstudio.cameras.sdk_playback import FileSource

    return FileSource(url)


def _session(url: SourceUrl) -> FrameSource:
    from depthstudio.cameras.session_playback import SessionSource

    return SessionSource(url)


def _folder(url: SourceUrl) -> FrameSource:
    from depthstudio.cameras.folder_playback import FolderSource

    return FolderSource(url)


def _realsense(url: SourceUrl) -> FrameSource:
    from depthstudio.cameras.realsense import RealSenseSource

    return RealSenseSource(url)


def _hybrid(url: SourceUrl) -> FrameSource:
    from depthstudio.cameras.hybrid import HybridSource

    return HybridSource(url)


def _usb(url: SourceUrl) -> FrameSource:
    from depthstudio.cameras.usb_stereo import UsbStereoSource

    return UsbStereoSource(url)


_MAKERS: dict[str, Callable[[SourceUrl], FrameSource]] = {
    "sim": _simulated,
    "file": _sdk_file,
    "session": _session,
    "folder": _folder,
    "realsense": _realsense,
    "hybrid": _hybrid,
    "usb": _usb,
}
