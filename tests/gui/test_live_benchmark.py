from __future__ import annotations

from pathlib import Path

import pytest

from depthstudio.errors import SettingsError
from depthstudio.gui.live_benchmark import LiveBenchmark, live_benchmark


def measured(memory_mb: tuple[float, ...]) -> LiveBenchmark:
    return LiveBenchmark("s", 60.0, 900, 15.0, 30.0, 80.0, 120.0, 50.0, 60.0, 2.0, 3.0, 5.0, 20.0, memory_mb, 1.0)


def test_memory_that_grows_is_told_from_memory_that_has_settled() -> None:
    assert measured((500, 600, 620, 620, 620, 620)).memory_growth_mb_per_minute == pytest.approx(0, abs=1e-6)
    assert measured((500, 500, 501, 502, 503, 504)).memory_growth_mb_per_minute == pytest.approx(12)  # 1 MB each 5 s
    assert measured((500.0,)).memory_growth_mb_per_minute != measured((500.0,)).memory_growth_mb_per_minute
    assert measured((500.0,) * 4).as_json()["memory_growth_mb_per_minute"] == pytest.approx(0, abs=1e-6)


def test_without_a_display_the_user_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(SettingsError) as refused:
        live_benchmark(tmp_path, tmp_path / "none.safetensors", 1.0)
    assert "xvfb-run" in refused.value.next_step
