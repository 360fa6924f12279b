"""How fast recording goes here: frames at a camera's pace, through capture thread and recorder, to disk."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from depthstudio.cameras.capture import CaptureThread
from depthstudio.cameras.recorder import QUEUE_CAPACITY, Recorder
from depthstudio.cameras.source import EndOfStream, FrameSource
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.errors import DatasetError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration
from depthstudio.synthetic import generate_scene, render_pair

_DIFFERENT_FRAMES = 24
_NOISE_LEVELS = 2.0
_FOCAL_BASELINE_PX_MM = 385.0 * 50.0
_MAX_DISPARITY = 96
_SAMPLE_S = 0.5
_MB = 1e6


@dataclass(frozen=True)
class CaptureBenchmark:
    """dropped: frames that the recorder lost. missed: moments at which the source was not read in time.

    cpu_cores: of this process, the source's own work included. waiting_most: longest queue. memory_growth_mb: from the
    first to the largest resident size while recording.
    """

    size: tuple[int, int]
    asked_hz: float
    seconds: float
    frames: int
    frames_per_s: float
    dropped: int
    missed: int
    cpu_cores: float
    bytes_per_frame: float
    raw_bytes_per_frame: int
    waiting_most: int
    memory_mb: float
    memory_growth_mb: float
    cores: int
    load: float

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


class PacedFrames(FrameSource):
    """Prepared frames over and over at `fps`, like a camera: what is not read in time is missed, and counted."""

    def __init__(self, frames: list[StereoFrame], fps: float, seconds: float) -> None:
        super().__init__("bench://capture", "Benchmark frames")
        self._frames, self._fps, self._seconds = frames, fps, seconds
        self._started_s = 0.0
        self._number = 0
        self.missed = 0

    @property
    def calibration(self) -> StereoCalibration | None:
        """None: nothing is rectified here."""
        return None

    def open(self) -> None:
        """The clock starts."""
        self._started_s = time.monotonic()

    def close(self) -> None:
        """Nothing is open."""

    def read(self, timeout_s: float = 0.5) -> StereoFrame | None:
        """The frame of this moment."""
        now_s = time.monotonic() - self._started_s
        if now_s >= self._seconds:
            raise EndOfStream
        behind = int(now_s * self._fps) - self._number
        if behind > 1:  # one frame may wait in a driver
            self.missed += behind - 1
            self._number += behind - 1
        wait_s = self._number / self._fps - now_s
        if wait_s > 0:
            time.sleep(min(wait_s, timeout_s))
            if wait_s > timeout_s:
                return None
        one = self._frames[self._number % len(self._frames)]
        time_s = self._number / self._fps
        frame = StereoFrame(
            self._number, time_s, one.left, one.right, one.depth_mm, one.color, time_s, time.monotonic()
        )
        self._number += 1
        return frame


def benchmark_frames(size: tuple[int, int] = (640, 480), count: int = _DIFFERENT_FRAMES) -> list[StereoFrame]:
    """Frames of a depth camera with colour: rendered scenes with sensor noise, depth with holes and steps."""
    rng = np.random.default_rng(0)
    frames = []
    for number in range(count):
        if number % 4 == 0:
            pair = render_pair(generate_scene(number, size=size, max_disparity=_MAX_DISPARITY))
        noise = [_NOISE_LEVELS * rng.standard_normal(pair.left.shape) for _ in range(3)]
        left, right, color = (
            np.clip(image + added, 0, 255).astype(np.uint8)
            for image, added in zip((pair.left, pair.right, pair.left), noise, strict=True)
        )
        disparity = np.rint(32 * np.maximum(pair.disparity_px, 1)) / 32
        depth = np.where(rng.uniform(size=disparity.shape) < 0.02, 0, _FOCAL_BASELINE_PX_MM / disparity)
        depth[pair.occluded] = 0
        left, right = (np.ascontiguousarray(image[:, :, 1]) for image in (left, right))
        frames.append(StereoFrame(number, 0.0, left, right, depth.astype(np.uint16), color))
    return frames


def capture_benchmark(
    folder: Path,
    minutes: float,
    size: tuple[int, int] = (640, 480),
    fps: float = 30.0,
    on_progress: Callable[[float, int, int], None] | None = None,
) -> CaptureBenchmark:
    """Record for so many minutes into a temporary session below `folder`, then delete it.

    on_progress(seconds, frames, dropped). DatasetError when the disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="bench-capture-", dir=folder))
    frames = benchmark_frames(size)
    try:
        return _measure(work / "session", PacedFrames(frames, fps, 60 * minutes), frames[0], fps, on_progress)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _measure(
    folder: Path,
    source: PacedFrames,
    example: StereoFrame,
    fps: float,
    on_progress: Callable[[float, int, int], None] | None,
) -> CaptureBenchmark:
    process = psutil.Process()
    capture = CaptureThread(source)
    writer = SessionWriter(folder, source.url, None, {})
    recorder = Recorder(capture, writer, capture.every_frame(QUEUE_CAPACITY))
    before, memory = process.cpu_times(), process.memory_info().rss
    most_memory, most_waiting, started_s = memory, 0, time.monotonic()
    recorder.start()
    capture.start()
    try:
        while not recorder.wait(_SAMPLE_S):
            most_memory = max(most_memory, process.memory_info().rss)
            most_waiting = max(most_waiting, recorder.waiting)
            if on_progress is not None:
                on_progress(time.monotonic() - started_s, recorder.recorded, recorder.dropped)
    finally:
        recorder.stop()
        capture.stop()
    seconds, after = time.monotonic() - started_s, process.cpu_times()
    if recorder.error is not None:
        raise recorder.error
    recorded = len(Session.open(folder))
    if recorded != recorder.recorded or not recorded:
        raise DatasetError("The benchmark's recording is not complete.", f"{recorded} of {recorder.recorded} frames.")
    parts = (example.left, example.right, example.depth_mm, example.color)
    return CaptureBenchmark(
        size=example.size,
        asked_hz=fps,
        seconds=seconds,
        frames=recorded,
        frames_per_s=recorded / seconds,
        dropped=recorder.dropped,
        missed=source.missed,
        cpu_cores=(after.user + after.system - before.user - before.system) / seconds,
        bytes_per_frame=writer.bytes_written / recorded,
        raw_bytes_per_frame=sum(pixels.nbytes for pixels in parts if pixels is not None),
        waiting_most=most_waiting,
        memory_mb=most_memory / _MB,
        memory_growth_mb=(most_memory - memory) / _MB,
        cores=psutil.cpu_count() or 1,
        load=psutil.getloadavg()[0],
    )
