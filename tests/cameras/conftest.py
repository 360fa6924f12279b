from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for software_camera


@pytest.fixture(scope="session", autouse=True)
def _home_of_the_sdk(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The SDK writes statistics into HOME when the process ends, so the change is not taken back."""
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture
def realsense_data() -> Path:
    root = os.environ.get("DEPTHSTUDIO_DATA")
    if not root or not (Path(root) / "realsense").is_dir():
        pytest.skip("DEPTHSTUDIO_DATA is not set")
    return Path(root) / "realsense"
