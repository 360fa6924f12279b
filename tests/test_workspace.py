from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from depthstudio.workspace import Workspace, label_of_folder, new_folder_name


def test_the_given_folder_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHSTUDIO_WORKSPACE", str(tmp_path / "environment"))
    assert Workspace.find(tmp_path / "given").root == tmp_path / "given"
    assert Workspace.find().root == tmp_path / "environment"
    monkeypatch.delenv("DEPTHSTUDIO_WORKSPACE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Workspace.find().root == tmp_path / "DepthStudio"


def test_looking_creates_nothing_and_a_recording_ends_emptiness(tmp_path: Path) -> None:
    workspace = Workspace.find(tmp_path / "new")
    assert workspace.is_empty()
    assert not workspace.root.exists()
    (workspace.sessions / "one").mkdir(parents=True)
    assert not workspace.is_empty()


def test_folder_names_are_dated_readable_and_never_taken_twice(tmp_path: Path) -> None:
    now = datetime(2026, 1, 31, 14, 25, 1)
    first = new_folder_name(tmp_path, "Bench / left", now)
    assert first == "20260131_142501_Bench-left"
    (tmp_path / first).mkdir()
    assert new_folder_name(tmp_path, "Bench / left", now) == f"{first}_2"
    (tmp_path / f"{first}.ply").touch()
    assert new_folder_name(tmp_path, "Bench / left", now, ".ply") == f"{first}_2.ply"


def test_the_label_of_a_folder(tmp_path: Path) -> None:
    assert label_of_folder(new_folder_name(tmp_path, "desk 2")) == "desk-2"
    assert label_of_folder("20260131_142501") == "20260131_142501"
    assert label_of_folder("desk") == "desk"
