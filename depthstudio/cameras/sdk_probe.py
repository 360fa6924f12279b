"""Opens a recording in a child process first: a damaged one can hang or crash the SDK, and must not take us with it.

``python -m depthstudio.cameras.sdk_probe FILE`` is that child. It prints ``started``, ``opened`` and a line of JSON.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthstudio.cameras.source import EndOfStream
from depthstudio.errors import SourceError, UserError

if TYPE_CHECKING:
    from depthstudio.cameras.sdk_file import SdkFile

_STARTED, _OPENED = "started", "opened"
# Opening a healthy file takes some 20 ms; large ones on slow disks get more.
_TIMEOUT_S = {"": 30.0, _STARTED: 2.0, _OPENED: 5.0}
_TIMEOUT_PER_GB_S = 2.0
_READING_BUDGET_S = 1.0
_TAIL_S = 0.5


@dataclass(frozen=True)
class ProbeReport:
    """What a recording holds. frame_count: None when it is too long to be read through in a second.

    first_s, last_s: time stamps of its first and last frame; last_s is None when the end cannot be read.
    """

    name: str
    streams: dict[str, dict[str, Any]]
    baseline_m: float | None
    focal_px: float | None
    frame_count: int | None
    first_s: float
    last_s: float | None


def probe(path: Path) -> ProbeReport:
    """Open and read `path` in a child process that is killed when it hangs. SourceError when it cannot be read."""
    with tempfile.TemporaryDirectory(prefix="depthstudio-probe-") as home:
        environment = os.environ | {"HOME": home, "RS2_RUM_CLOUD_ENABLED": "0"}
        child = subprocess.Popen(
            [sys.executable, "-m", "depthstudio.cameras.sdk_probe", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        try:
            answer = _answer(child, path)
        finally:
            child.kill()
            child.communicate()
    if "what" in answer:
        raise SourceError(answer["what"], answer["why"], answer["next_step"])
    return ProbeReport(**answer)


def _answer(child: subprocess.Popen[str], path: Path) -> dict[str, Any]:
    """The child's answer. Each of its steps has a time of its own, so that a busy computer is not taken for damage."""
    from depthstudio.cameras.sdk_file import damaged_file

    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        with suppress(ValueError):  # the pipe was closed: nobody waits for an answer any more
            for line in child.stdout or ():
                lines.put(line.strip())
        lines.put("")

    threading.Thread(target=listen, name="probe listener", daemon=True).start()
    step = ""
    while True:
        limit_s = _TIMEOUT_S[step] + _TIMEOUT_PER_GB_S * path.stat().st_size / 1e9
        try:
            line = lines.get(timeout=limit_s)
        except queue.Empty:
            if not step:
                raise SourceError("The recording cannot be checked.", "The process that reads it hangs.") from None
            raise damaged_file(path, f"The SDK hangs on it: no answer in {limit_s:.0f} s") from None
        if not line:
            raise damaged_file(path, f"The SDK crashed on it (exit code {child.wait(5)})")
        if line not in _TIMEOUT_S:
            return json.loads(line)
        step = line


def _examine(path: Path) -> dict[str, Any]:
    from depthstudio.cameras.sdk_file import SdkFile

    file = SdkFile(path)
    try:
        file.open()
        print(_OPENED, flush=True)
        frame_count, first_s, last_s = _read_through(file)
        if frame_count == 0:
            raise SourceError(
                f"The recording {path.name} is empty.",
                "It holds no complete frame.",
                "It may be damaged: copy it again.",
            )
        streams = {
            stream: {"width": p.width(), "height": p.height(), "fps": p.fps(), "format": p.format().name}
            for stream, p in file.profiles.items()
        }
        calibration = file.calibration
        return asdict(
            ProbeReport(
                file.name,
                streams,
                calibration.baseline_m if calibration else None,
                float(calibration.K1[0, 0]) if calibration else None,
                frame_count,
                first_s,
                last_s if frame_count is not None else _last_timestamp_s(path, file.duration_s),
            )
        )
    except UserError as error:
        return {"what": error.what, "why": error.why, "next_step": error.next_step}
    finally:
        file.close()


def _read_through(file: SdkFile) -> tuple[int | None, float, float]:
    """Number of frames, None when reading takes longer than the budget; time stamps of the first and the last read."""
    deadline_s = time.monotonic() + _READING_BUDGET_S
    count, first_s, last_s = 0, 0.0, 0.0
    try:
        while time.monotonic() < deadline_s or count == 0:
            frame = file.read(0.2)
            if frame is not None:
                first_s = first_s if count else frame.timestamp_s
                last_s = frame.timestamp_s
                count += 1
    except EndOfStream:
        return count, first_s, last_s
    return None, first_s, last_s


def _last_timestamp_s(path: Path, duration_s: float) -> float | None:
    from depthstudio.cameras.sdk_file import SdkFile

    tail = SdkFile(path, max(0.0, duration_s - _TAIL_S))
    deadline_s = time.monotonic() + _READING_BUDGET_S
    last_s = None
    try:
        tail.open()
        while time.monotonic() < deadline_s:
            frame = tail.read(0.2)
            last_s = frame.timestamp_s if frame is not None else last_s
    except EndOfStream:
        return last_s
    except SourceError:
        return None
    finally:
        tail.close()
    return last_s


if __name__ == "__main__":
    from depthstudio.cameras.realsense_sdk import load_sdk

    try:
        load_sdk()
        print(_STARTED, flush=True)
        result = _examine(Path(sys.argv[1]))
    except SourceError as error:
        result = {"what": error.what, "why": error.why, "next_step": error.next_step}
    print(json.dumps(result), flush=True)
    os._exit(0)  # the SDK's threads may hang at a regular exit after a damaged file
