from __future__ import annotations

import threading
from pathlib import Path

import pytest

from depthstudio.storage import atomic_path, check_target, write_text


def test_a_write_replaces_the_old_content_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "notes.txt"
    write_text(target, "old")
    write_text(target, "new µ")
    assert target.read_text(encoding="utf-8") == "new µ"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failing_write_keeps_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "notes.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_two_threads_that_write_one_file_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "notes.txt"
    with atomic_path(target) as mine:
        mine.write_text("mine")
        other = threading.Thread(target=write_text, args=(target, "the other's"))
        other.start()
        other.join()
        assert target.read_text() == "the other's"
        assert mine.read_text() == "mine"
    assert target.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [target]


def test_the_temporary_file_keeps_the_suffix_for_image_writers(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "depth.png") as temporary:
        assert temporary.suffix == ".png"
        temporary.write_bytes(b"x")


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b.txt", "x")
    assert (tmp_path / "a" / "b.txt").read_text() == "x"


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError) as refused:
        write_text(tmp_path / "taken", "x")
    assert Path(refused.value.filename) == tmp_path / "taken"
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


def test_a_place_that_cannot_be_written_is_known_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError):
        check_target(tmp_path / "file" / "below" / "c.npz")
    with pytest.raises(IsADirectoryError):
        check_target(tmp_path)
    check_target(tmp_path / "new" / "c.npz")
    assert not (tmp_path / "new").exists()
