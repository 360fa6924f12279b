"""What this machine offers and what it lacks, in words: the first thing to read when something does not work."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from depthstudio.resources import resource_path
from depthstudio.workspace import Workspace

_LOW_DISK_GB = 5.0
_LIBRARIES = ("numpy", "cv2", "PySide6", "pyqtgraph", "torch", "pyrealsense2", "pydantic", "safetensors")
_DISTRIBUTIONS = {"cv2": "opencv-python", "PySide6": "PySide6-Essentials"}


class Status(Enum):
    """How a check came out."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True)
class Check:
    """One finding: what was looked at, how it stands, the facts, and what to do when it is not good."""

    name: str
    status: Status
    detail: str
    next_step: str = ""


def examine(workspace: Workspace) -> Iterator[Check]:
    """Every check, one after the other; a check that breaks becomes a finding itself."""
    checks: list[Callable[[], Iterator[Check]]] = [
        _python,
        _libraries,
        _computing,
        _networks,
        _display,
        lambda: _workspace(workspace),
        _cameras,
    ]
    for check in checks:
        try:
            yield from check()
        except Exception as error:  # a doctor that falls ill helps nobody
            yield Check(
                getattr(check, "__name__", "check").strip("_<>"), Status.BAD, f"{type(error).__name__}: {error}"
            )


def _python() -> Iterator[Check]:
    yield Check("Python", Status.GOOD, f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _libraries() -> Iterator[Check]:
    for module in _LIBRARIES:
        try:
            importlib.import_module(module)
            version = importlib.metadata.version(_DISTRIBUTIONS.get(module, module))
        except importlib.metadata.PackageNotFoundError:
            yield Check(module, Status.NOTE, "imports, but was not installed by pip")
        except (ImportError, OSError) as error:
            yield Check(module, Status.BAD, str(error), _library_hint(str(error)))
        else:
            yield Check(module, Status.GOOD, version)


def _library_hint(message: str) -> str:
    packages = {"libusb": "libusb-1.0-0", "libGL.": "libgl1", "libgthread": "libglib2.0-0", "libEGL": "libegl1"}
    for library, package in packages.items():
        if library in message:
            return f"sudo apt-get install {package}"
    return "bash resources/bootstrap.sh install"


def _computing() -> Iterator[Check]:
    import torch

    if torch.cuda.is_available():
        yield Check("Computing", Status.GOOD, f"GPU {torch.cuda.get_device_name(0)}")
    else:
        yield Check(
            "Computing", Status.GOOD, f"CPU, {os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads"
        )


def _networks() -> Iterator[Check]:
    shipped = sorted(path.name for path in resource_path("networks").glob("*.safetensors"))
    if shipped:
        yield Check("Networks", Status.GOOD, ", ".join(shipped))
    else:
        yield Check("Networks", Status.BAD, "no network came with this installation", "Install DepthStudio again.")


def _display() -> Iterator[Check]:
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        yield Check("Display", Status.GOOD, os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or "native")
    else:
        yield Check(
            "Display", Status.NOTE, "none here: the window cannot open, the other verbs work", "xvfb-run depthstudio"
        )


def _workspace(workspace: Workspace) -> Iterator[Check]:
    existing = next(folder for folder in (workspace.root, *workspace.root.parents) if folder.exists())
    if not os.access(existing, os.W_OK):
        yield Check("Workspace", Status.BAD, f"{existing} cannot be written", "Choose another: --workspace DIR")
        return
    free_gb = shutil.disk_usage(existing).free / 1e9
    status = Status.GOOD if free_gb > _LOW_DISK_GB else Status.NOTE
    yield Check(
        "Workspace", status, f"{workspace.root}, {free_gb:.0f} GB free", "" if status is Status.GOOD else "Make room."
    )


def _cameras() -> Iterator[Check]:
    from depthstudio.cameras.realsense_devices import list_devices
    from depthstudio.cameras.usb_report import realsense_usb_report

    devices = list_devices()
    for device in devices:
        yield Check("Camera", Status.GOOD, f"{device.name} {device.serial}")
    if not devices:
        first, *rest = realsense_usb_report().lines()
        yield Check("Camera", Status.NOTE, first, "\n".join(rest))
