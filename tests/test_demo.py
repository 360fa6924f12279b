"""The guided demonstration, small: every step runs for real and leaves what the report promises."""

from __future__ import annotations

import json
import tomllib
from math import nan
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest

from depthstudio.cli import main
from depthstudio.datasets import list_sessions
from depthstudio.demo.report import as_json
from depthstudio.demo.story import DemoResult, LiveFigures
from depthstudio.geometry import StereoCalibration
from depthstudio.training.events import EpochDone, ErrorBand


def test_the_report_is_json_where_a_band_was_empty() -> None:
    bands = (ErrorBand(0.5, 1.0, "m", nan, 0), ErrorBand(1.0, 2.0, "m", 0.4, 50))
    epoch = EpochDone(1, 2.0, 1.0, 2.5, 1.2, 1e-4, 1, 2.5, 0, 15, 3.0, True, bands=bands)
    camera = SimpleNamespace(baseline_m=0.1, K1=np.eye(3))
    judged = SimpleNamespace(to_json=dict)
    result = SimpleNamespace(
        seconds=1.0,
        solution=SimpleNamespace(calibration=camera, views=(), rms_px=0.1, vertical_error_px=0.1),
        exact=camera,
        run=SimpleNamespace(folder=Path("run"), epochs=lambda: [epoch]),
        before=judged,
        after=judged,
        live=LiveFigures(1, 2.0, 3.0, 4.0),
    )
    report = json.loads(json.dumps(as_json(cast(DemoResult, result)), allow_nan=False))
    assert [band["epe_px"] for band in report["epochs"][0]["bands"]] == [None, 0.4]


def test_the_whole_way_without_a_window(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--quick", "--no-window", "-o", str(tmp_path)]) == 0
    report = json.loads(
        (tmp_path / "report" / "report.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON")
    )

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
