"""The 3-D view on a real X display with OpenGL (Mesa's software renderer is enough), in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np
from PySide6.QtCore import QEventLoop, QTimer
from depthstudio.geometry.point_cloud import PointCloud
from depthstudio.gui.application import make_application
from depthstudio.gui.theme import ThemeMode, theme
from depthstudio.gui.widgets.opengl import opengl_problem

application = make_application()
theme().apply(ThemeMode.DARK)
problem = opengl_problem()
if problem:
    print("SKIP", problem)
    raise SystemExit
from depthstudio.gui.widgets.cloud_view import CloudView

view = CloudView()
view.resize(400, 300)
painted = []
view.painted.connect(painted.append)
x, y = np.meshgrid(np.linspace(-0.5, 0.5, 80), np.linspace(-0.4, 0.4, 60))
points = np.stack([x, y, np.full_like(x, 2.0)], axis=-1).reshape(-1, 3).astype(np.float32)
view.show_cloud(PointCloud(points, np.full((len(points), 3), (250, 20, 20), np.uint8)), 0.008)
view.show()
loop = QEventLoop()
view.painted.connect(lambda _: QTimer.singleShot(200, loop.quit))
QTimer.singleShot(60_000, loop.quit)
loop.exec()
assert painted, "nothing was painted"
image = view.grabFramebuffer()
middle = image.pixelColor(image.width() // 2, image.height() // 2)
assert (middle.red() > 200 and middle.green() < 60), middle.getRgb()
words = [text for _, _, text in view._words._placed]
assert "2 m" in words and "z" in words, words
assert view.shown_points == 4800
view.orbit(180, 0)
print("DONE")
"""


@pytest.mark.window
@pytest.mark.skipif(
    shutil.which("xvfb-run") is None or shutil.which("xauth") is None, reason="needs xvfb-run and xauth"
)
def test_a_red_wall_two_metres_away_is_red_in_the_middle_and_the_grid_counts_metres() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("QT_QPA", "DISPLAY"))}
    command = ["xvfb-run", "-a", "-s", "-screen 0 800x600x24 +extension GLX", sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250, check=False)
    if "SKIP" in done.stdout:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stderr
    assert "DONE" in done.stdout
