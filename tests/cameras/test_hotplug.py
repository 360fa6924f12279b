from __future__ import annotations

import threading

import pytest

pytest.importorskip("pyrealsense2")

from depthstudio.cameras import SourceInfo, hotplug, realsense_sdk


def test_a_watcher_tells_the_list_once_and_leaves_nothing_with_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = SourceInfo("usb://0", "camera", "camera")
    monkeypatch.setattr(hotplug, "list_cameras", lambda: [camera])
    told: list[list[SourceInfo]] = []
    came = threading.Event()

    def on_change(cameras: list[SourceInfo]) -> None:
        told.append(cameras)
        came.set()

    before = list(realsense_sdk._listeners)
    watcher = hotplug.CameraWatcher(on_change, interval_s=0.01, sdk_s=0.01)
    watcher.start()
    assert came.wait(10)
    assert len(realsense_sdk._listeners) == len(before) + 1
    watcher.stop()
    watcher._thread.join(10)
    assert told == [[camera]]
    assert realsense_sdk._listeners == before
