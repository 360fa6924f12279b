"""The README's Python lines are run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_library_example_records_trains_and_predicts(tmp_path: Path) -> None:
    (example,) = code_blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "EpochDone" in done.stdout
    assert (tmp_path / "sessions" / "desk-1" / "frames.jsonl").is_file()
    assert list((tmp_path / "runs").glob("*/best.safetensors"))


def test_every_verb_of_the_readme_exists() -> None:
    from depthstudio.cli import build_parser

    known = build_parser().format_help()
    for block in code_blocks("sh"):
        for verb in re.findall(r"^depthstudio (\w+)", block, flags=re.MULTILINE):
            assert f"    {verb}" in known


def test_pictures_and_files_that_the_readme_names_exist() -> None:
    for name in re.findall(r"\]\((resources/[^)]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / name).is_file(), name
