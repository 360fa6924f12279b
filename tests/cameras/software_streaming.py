"""A RealSenseSource on the fake camera while that delivers pictures."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from software_camera import SoftwareCamera

from depthstudio.cameras.realsense import RealSenseSource
from depthstudio.cameras.urls import SourceUrl
from depthstudio.frames import StereoFrame


@contextmanager
def streaming(camera: SoftwareCamera, options: str = "mode=ir") -> Iterator[RealSenseSource]:
    """A source on the fake camera while that delivers pictures."""
    stop = threading.Event()
    source = RealSenseSource(SourceUrl.parse(f"realsense://000111222333?{options}"), device=camera.device)
    source.open()
    producer = camera.produce(stop)
    try:
        yield source
    finally:
        source.close()
        stop.set()
        producer.join()


def read(source: RealSenseSource, count: int) -> list[StereoFrame]:
    frames: list[StereoFrame] = []
    deadline_s = time.monotonic() + 20
    while len(frames) < count and time.monotonic() < deadline_s:
        frame = source.read(0.2)
        if frame is not None:
            frames.append(frame)
    assert len(frames) == count
    return frames
