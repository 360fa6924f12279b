"""The window on a real X display. DEPTHSTUDIO_SCREENSHOTS=FOLDER keeps the pictures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

DRIVER = Path(__file__).with_name("drive_real_window.py")
PICTURES = ("welcome", "calibrate", "report", "capture", "dataset", "train-setup", "train", "train-done", "live")
PICTURES += ("export", "evaluate-setup")


@pytest.mark.window
@pytest.mark.timeout(1600)
@pytest.mark.skipif(
    shutil.which("xvfb-run") is None or shutil.which("xauth") is None, reason="needs xvfb-run and xauth"
)
def test_the_whole_way_in_a_real_window(tmp_path: Path) -> None:
    kept = os.environ.get("DEPTHSTUDIO_SCREENSHOTS", "")
    folder = Path(kept) if kept else tmp_path / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("QT_QPA", "DISPLAY"))}
    command = ["xvfb-run", "-a", "-s", "-screen 0 1920x1080x24", sys.executable, str(DRIVER)]
    done = subprocess.run(
        [*command, str(tmp_path / "workspace"), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in PICTURES:
        for size in ((1280, 720), (1920, 1080)):
            light, dark = (
                cv2.imread(str(folder / f"{name}-{size[0]}x{size[1]}-{mode}.png")) for mode in ("light", "dark")
            )
            assert light is not None
            assert dark is not None
            assert (light.shape[1], light.shape[0]) == size
            assert np.mean(light) > np.mean(dark) + 40, "two themes that differ"
