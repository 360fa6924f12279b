"""The guided demonstration, small: every step runs for real and leaves what the report promises."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import cv2
import pytest

from depthstudio.cli import main
from depthstudio.datasets import list_sessions
from depthstudio.geometry import StereoCalibration


def test_the_whole_way_without_a_window(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--quick", "--no-window", "-o", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "report" / "report.json").read_text())

    calibration = StereoCalibration.load(tmp_path / "calibrations" / "demo.npz")
    assert calibration.baseline_m * 1000 == pytest.approx(report["calibration"]["exact_baseline_mm"], rel=0.02)
    assert sorted(session.role for session in list_sessions(tmp_path / "sessions")) == [
        "ignored", "train", "train", "validation",
    ]  # fmt: skip
    assert report["before"]["frames"][0]["truth"] == "exact", "judged by what is exactly known, not by the labels"
    assert len(report["before"]["frames"]) == len(report["after"]["frames"]) == 3
    assert report["live"]["frames"] >= 1
    for name in ("calibration", "training", "disparity"):
        assert cv2.imread(str(tmp_path / "report" / f"{name}.png")) is not None
    settings = tomllib.loads((tmp_path / "settings.toml").read_text())
    assert settings["calibration"] == "demo.npz"
    assert Path(settings["live_network"]).is_file()
    assert "before" in capsys.readouterr().out
