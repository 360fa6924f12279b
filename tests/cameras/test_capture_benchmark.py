from __future__ import annotations

from pathlib import Path

from depthstudio.cameras.capture_benchmark import benchmark_frames, capture_benchmark


def test_the_benchmark_records_what_a_camera_would_and_leaves_nothing(tmp_path: Path) -> None:
    seen: list[int] = []
    result = capture_benchmark(
        tmp_path, minutes=1.5 / 60, size=(64, 48), on_progress=lambda _s, frames, _d: seen.append(frames)
    )
    assert 0 < result.frames <= 46
    assert result.frames + result.dropped + result.missed >= 44
    assert 0 < result.bytes_per_frame < 2 * result.raw_bytes_per_frame
    assert result.cpu_cores > 0 and seen
    assert not any(tmp_path.iterdir())


def test_its_frames_are_like_a_depth_cameras() -> None:
    frame = benchmark_frames((64, 48), count=1)[0]
    assert frame.left.shape == (48, 64) and frame.right is not None and frame.right.shape == (48, 64)
    assert frame.color is not None and frame.color.shape == (48, 64, 3)
    assert frame.depth_mm is not None and 0 < (frame.depth_mm == 0).mean() < 0.6
