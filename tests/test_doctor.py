from __future__ import annotations

from pathlib import Path

import pytest

from depthstudio import doctor
from depthstudio.doctor import Check, Status, examine
from depthstudio.workspace import Workspace


def findings(workspace: Path) -> dict[str, Check]:
    return {check.name: check for check in examine(Workspace(workspace))}


def test_libraries_computing_and_workspace_are_reported(tmp_path: Path) -> None:
    found = findings(tmp_path / "not" / "there" / "yet")
    assert found["torch"].status is Status.GOOD
    assert found["numpy"].detail.count(".") == 2
    assert "GB free" in found["Workspace"].detail
    assert not (tmp_path / "not").exists()


def test_a_library_that_cannot_load_says_which_package_brings_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_library.py").write_text(
        "raise ImportError('libusb-1.0.so.0: cannot open shared object file: No such file or directory')"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(doctor, "_LIBRARIES", ("broken_library",))
    check = findings(tmp_path)["broken_library"]
    assert check.status is Status.BAD
    assert "libusb-1.0-0" in check.next_step


def test_without_a_camera_it_says_what_to_do(tmp_path: Path) -> None:
    check = findings(tmp_path)["Camera"]
    if check.status is Status.NOTE:
        assert check.next_step
