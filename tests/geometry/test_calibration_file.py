"""A calibration file: written, read back, and refused clearly when it is wrong."""

from __future__ import annotations

import contextlib
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from depthstudio.errors import CalibrationError
from depthstudio.geometry import StereoCalibration


def seed_arrays() -> dict[str, Any]:
    """The six keys as the seed's scripts write them: D as (1, 5), T as (3, 1), nothing else."""
    return {
        "K1": np.array([[606.84, 0, 324.80], [0, 606.82, 242.95], [0, 0, 1]]),
        "D1": np.zeros((1, 5)),
        "K2": np.array([[412.0, 0, 321.6], [0, 413.8, 267.3], [0, 0, 1]]),
        "D2": np.array([[-0.31, 0.09, 0.001, -0.002, 0.01]]),
        "R": cv2.Rodrigues(np.array([0.02, -0.3, 0.01]))[0],
        "T": np.array([[-0.1313], [0.0011], [-0.0395]]),
    }


def written(folder: Path, **changes: Any) -> Path:
    """A file with some arrays changed; None leaves one out."""
    arrays = {name: value for name, value in (seed_arrays() | changes).items() if value is not None}
    path = folder / "rig.npz"
    np.savez(path, **arrays)
    return path


def test_the_six_keys_of_the_seed_are_enough(tmp_path: Path) -> None:
    calibration = StereoCalibration.load(written(tmp_path))
    assert calibration.T.shape == (3,)
    assert calibration.D2.shape == (5,)
    assert calibration.baseline_m == pytest.approx(0.1371, abs=1e-4)
    assert (calibration.image_size, calibration.rms_px, calibration.date, calibration.board) == (None,) * 4
    assert not calibration.is_rectified


def test_everything_survives_saving_and_loading(tmp_path: Path) -> None:
    before = StereoCalibration(
        **seed_arrays(),
        image_size=(640, 480),
        right_image_size=(1280, 720),
        date="2026-01-31T14:25:01+00:00",
        rms_px=0.21,
        board={"kind": "chessboard", "columns": 9, "rows": 6, "square_m": 0.025},
        extra={"per_view_errors_px": {"01": 0.2}},
    )
    path = tmp_path / "new" / "rig.npz"
    before.save(path)
    after = StereoCalibration.load(path)
    for name in seed_arrays():
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    for name in ("image_size", "right_image_size", "date", "rms_px", "board", "extra", "id"):
        assert getattr(after, name) == getattr(before, name)


def test_the_seed_scripts_can_read_a_saved_file(tmp_path: Path) -> None:
    StereoCalibration(**seed_arrays()).save(tmp_path / "rig.npz")
    with np.load(tmp_path / "rig.npz") as archive:
        assert archive["T"].shape == (3, 1)
        assert archive["K1"].dtype == np.float64


def test_the_id_follows_the_numbers_and_nothing_else() -> None:
    plain = StereoCalibration(**seed_arrays())
    assert plain.id == StereoCalibration(**seed_arrays(), date="today", rms_px=0.3).id
    assert plain.id != StereoCalibration(**(seed_arrays() | {"T": [-0.1314, 0.0011, -0.0395]})).id
    assert plain.id != StereoCalibration(**seed_arrays(), image_size=(640, 480)).id


def test_a_calibration_cannot_be_changed_afterwards() -> None:
    calibration = StereoCalibration(**seed_arrays())
    with pytest.raises(ValueError, match="read-only"):
        calibration.K1[0, 0] = 1.0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"K2": None, "T": None}, "lacks K2, T"),
        ({"K1": np.eye(2)}, r"K1 has shape \(2, 2\)"),
        ({"R": np.zeros(3)}, "R has shape"),
        ({"T": np.zeros((2, 1))}, "T has shape"),
        ({"D1": np.zeros(7)}, "D1 has 7 coefficients"),
        ({"K1": np.full((3, 3), np.nan)}, "K1 holds NaN"),
        ({"D2": np.array([0, 0, np.inf, 0, 0])}, "D2 holds NaN or infinity"),
        ({"K1": -np.eye(3)}, "K1 is not a camera matrix"),
        ({"R": np.eye(3) * 1.01}, "R is not a rotation"),
        ({"R": np.diag([1.0, 1.0, -1.0])}, "R is not a rotation"),
        ({"T": np.zeros((3, 1))}, "baseline is zero"),
        ({"T": np.array([[-131.3], [1.1], [-39.5]])}, "millimetres"),
        ({"T": np.array([[0.1313], [0.0011], [0.0395]])}, "Left and right are swapped"),
        ({"T": np.array([[-0.01], [0.1313], [0.0]])}, "side by side"),
        ({"K1": np.array([["a"] * 3] * 3)}, "not a usable calibration"),
        ({"image_size": np.array([640, 480, 3])}, "not a usable calibration"),
        ({"image_size": np.array([0, 480])}, "size is not positive"),
        ({"rms_px": np.array([0.1, 0.2])}, "not a usable calibration"),
        ({"about": np.array("{")}, "damaged"),
        ({"K1": np.array([object()] * 9).reshape(3, 3)}, "no .npz archive of numbers"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(CalibrationError, match=said) as refusal:
        StereoCalibration.load(path)
    assert refusal.value.what.startswith("rig.npz")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    text, single, pickled, cut = (tmp_path / name for name in ("text.npz", "single.npz", "pickled.npz", "cut.npz"))
    text.write_text("K1: none")
    with single.open("wb") as stream:
        np.save(stream, np.eye(3))
    pickled.write_bytes(pickle.dumps(seed_arrays()))
    whole = written(tmp_path).read_bytes()
    for path in (text, single, pickled, tmp_path):
        with pytest.raises(CalibrationError, match=r"cannot be read as a calibration|damaged"):
            StereoCalibration.load(path)
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 30):
        cut.write_bytes(whole[:length])
        with pytest.raises(CalibrationError, match=r"cut\.npz"):
            StereoCalibration.load(cut)
    with pytest.raises(CalibrationError, match="There is no file"):
        StereoCalibration.load(tmp_path / "absent.npz")


def test_flipped_bytes_never_raise_anything_else(tmp_path: Path) -> None:
    whole = bytearray(written(tmp_path).read_bytes())
    random = np.random.default_rng(0)
    path = tmp_path / "flipped.npz"
    for _ in range(150):
        broken = whole.copy()
        for position in random.integers(0, len(whole), 3):
            broken[position] ^= int(random.integers(1, 256))
        path.write_bytes(broken)
        with contextlib.suppress(CalibrationError):
            StereoCalibration.load(path)
