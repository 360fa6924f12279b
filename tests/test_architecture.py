"""The house's rules: who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import depthstudio

ROOT = Path(depthstudio.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py") if "_resources" not in path.relative_to(ROOT).parts[:-1])

BASE = {"errors", "storage", "cancel", "resources", "workspace", "frames", "frame_loop", "geometry", "setting_fields"}
# A room may import itself, the base, and the rooms named here.
ALLOWED: dict[str, set[str]] = {
    "geometry": set(),
    "calibration": set(),
    "synthetic": set(),
    "datasets": {"synthetic"},
    "cameras": {"datasets", "synthetic", "calibration"},
    "models": set(),
    "inference": {"models"},
    "evaluation": {"models", "inference", "datasets", "synthetic", "cameras"},
    "training": {"models", "inference", "evaluation", "datasets", "synthetic"},
}
QT = {"PySide6", "pyqtgraph", "OpenGL", "pytestqt"}
TORCH_FILES = {"datasets/torch_dataset.py"}
TORCH_ROOMS = {"models", "training", "inference", "evaluation", "cli", "demo", "doctor"}


def imports(path: Path) -> set[str]:
    """Every module a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return found


def room(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_imports_only_what_its_room_may(path: Path) -> None:
    here = room(path)
    modules = imports(path)
    tops = {module.split(".")[0] for module in modules}
    if here != "gui":
        assert not tops & QT, "Qt belongs in gui/"
    if "torch" in tops:
        assert here in TORCH_ROOMS | {"gui"} or str(path.relative_to(ROOT)) in TORCH_FILES
        assert here != "gui", "the window talks to networks through inference/ and training/"
    if "pyrealsense2" in tops:
        assert here == "cameras", "the SDK belongs in cameras/"
    if here in ALLOWED:
        rooms = {module.split(".")[1] for module in modules if module.startswith("depthstudio.")}
        assert rooms <= BASE | ALLOWED[here] | {here}


@pytest.mark.parametrize("module", ["depthstudio.cameras", "depthstudio.datasets", "depthstudio.calibration"])
def test_capturing_needs_neither_torch_nor_the_sdk_to_be_imported(module: str) -> None:
    code = f"import sys, {module}; assert not {{'torch', 'pyrealsense2', 'PySide6'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_command_line_starts_without_heavy_imports() -> None:
    code = (
        "import sys; from depthstudio.cli import build_parser; build_parser(); "
        "assert not {'torch', 'pyrealsense2', 'PySide6', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
