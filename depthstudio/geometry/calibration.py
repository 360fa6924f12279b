"""StereoCalibration: two raw cameras and the pose between them, in one .npz file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from depthstudio.errors import CalibrationError
from depthstudio.geometry.lens import LENS_MODELS, Lens, LensModel
from depthstudio.storage import atomic_path

Matrix = NDArray[np.float64]

_REQUIRED_KEYS = ("K1", "D1", "K2", "D2", "R", "T")
_DISTORTION_LENGTHS = (0, 4, 5, 8, 12, 14)
_MAX_ROTATION_ERROR = 1e-3
_OBLONG_PIXELS = 1e-3  # fx against fy: after rectification there is one focal length for both directions
_MIN_BASELINE_M = 1e-3
_MAX_BASELINE_M = 5.0
YAML_SUFFIXES = (".yml", ".yaml")
_CHOOSE_FILE = "Choose an .npz that holds K1, D1, K2, D2, R and T."


def _frozen(values: ArrayLike) -> Matrix:
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class StereoCalibration:
    """Intrinsics of both raw cameras and the pose of the right one, in OpenCV's convention.

    K1, K2: (3, 3), px. D1, D2: distortion coefficients, (n,). R (3, 3), T (3,) in metres: x_right = R @ x_left + T, so
    T[0] is negative when the right camera stands to the right of the left one.
    image_size: (width, height) px of both images as calibrated; right_image_size when the right one differs.
    The seed's files know neither size nor error, hence the None.
    lens1, lens2: what D1 and D2 mean: OpenCV's usual model with 4 to 14 coefficients, or its fisheye model with 4.
    extra: whatever else the solver wants to keep (per-view errors, detector, notes), JSON-able.
    """

    K1: Matrix
    D1: Matrix
    K2: Matrix
    D2: Matrix
    R: Matrix
    T: Matrix
    image_size: tuple[int, int] | None = None
    right_image_size: tuple[int, int] | None = None
    date: str | None = None
    rms_px: float | None = None
    board: dict[str, Any] | None = None
    lens1: LensModel = "brown"
    lens2: LensModel = "brown"
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("K1", "K2", "R"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))
        for name in ("D1", "D2", "T"):  # the seed keeps them as (1, 5) and (3, 1)
            object.__setattr__(self, name, _frozen(np.ravel(getattr(self, name))))
        self._check()

    @classmethod
    def rectified_pair(
        cls, focal_px: float, baseline_m: float, cx: float, cy: float, image_size: tuple[int, int], **known: Any
    ) -> StereoCalibration:
        """The calibration of an already rectified pair, such as D400 infrared 1 and 2."""
        K = np.array([[focal_px, 0, cx], [0, focal_px, cy], [0, 0, 1]])
        return cls(
            K, np.zeros(5), K, np.zeros(5), np.eye(3), np.array([-baseline_m, 0, 0]), image_size=image_size, **known
        )

    @property
    def baseline_m(self) -> float:
        """Distance between the two optical centres."""
        return float(np.linalg.norm(self.T))

    @property
    def left(self) -> Lens:
        """The left camera's intrinsics."""
        return Lens(self.K1, self.D1, self.lens1)

    @property
    def right(self) -> Lens:
        """The right camera's intrinsics."""
        return Lens(self.K2, self.D2, self.lens2)

    @property
    def has_fisheye(self) -> bool:
        """True when either lens follows the fisheye model."""
        return "fisheye" in (self.lens1, self.lens2)

    @property
    def is_rectified(self) -> bool:
        """True when the raw images already form a rectified pair of square pixels, so that no remapping is needed."""
        return bool(
            not self.has_fisheye
            and self.right_image_size in (None, self.image_size)
            and np.allclose(self.K1, self.K2, atol=1e-6)
            and abs(self.K1[0, 0] / self.K1[1, 1] - 1) < _OBLONG_PIXELS
            and not np.any(self.D1)
            and not np.any(self.D2)
            and np.allclose(self.R, np.eye(3), atol=1e-7)
            and np.allclose(self.T[1:], 0, atol=1e-7)
        )

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that change with any number that matters: sessions and runs remember it."""
        digest = hashlib.sha256()
        for name in _REQUIRED_KEYS:
            digest.update((np.round(getattr(self, name), 9) + 0.0).tobytes())  # + 0.0 turns -0.0 into 0.0
        digest.update(repr((self.image_size, self.right_image_size)).encode())
        if self.has_fisheye:
            digest.update(repr((self.lens1, self.lens2)).encode())
        return digest.hexdigest()[:8]

    def save(self, path: Path) -> None:
        """Write a calibration file; the suffix says which. Atomic.

        .npz: the seed's keys (T as (3, 1)) plus the ones it lacks. .yml, .yaml: OpenCV's FileStorage with all of that;
        `calibration_yaml.save_ros` writes ROS camera_info.
        """
        if path.suffix.lower() in YAML_SUFFIXES:
            from depthstudio.geometry.calibration_yaml import save_opencv  # it builds on this module

            save_opencv(self, path)
            return
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _REQUIRED_KEYS}
        arrays["T"] = self.T.reshape(3, 1)
        if self.image_size is not None:
            arrays["image_size"] = np.array(self.image_size)
        if self.right_image_size is not None:
            arrays["right_image_size"] = np.array(self.right_image_size)
        if self.rms_px is not None:
            arrays["rms_px"] = np.array(self.rms_px)
        arrays["about"] = np.array(json.dumps(self.about()))
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **arrays)

    @classmethod
    def load(cls, path: Path) -> StereoCalibration:
        """Read a calibration file; CalibrationError names what is wrong with it.

        .npz as written by `save` or the seed's scripts; .yml or .yaml of OpenCV's FileStorage, or one of the two files
        of a ROS camera_info pair (``NAME_left.yaml`` beside ``NAME_right.yaml``).
        """
        if path.suffix.lower() in YAML_SUFFIXES:
            from depthstudio.geometry.calibration_yaml import load_yaml  # it builds on this module

            return load_yaml(path)
        arrays = _read_npz(path)
        missing = [name for name in _REQUIRED_KEYS if name not in arrays]
        if missing:
            raise CalibrationError(
                f"{path.name} is not a stereo calibration.",
                f"It lacks {', '.join(missing)}.",
                _CHOOSE_FILE,
            )
        about = _read_about(arrays, path)
        try:
            return cls(
                K1=arrays["K1"],
                D1=arrays["D1"],
                K2=arrays["K2"],
                D2=arrays["D2"],
                R=arrays["R"],
                T=arrays["T"],
                image_size=size_of(arrays.get("image_size")),
                right_image_size=size_of(arrays.get("right_image_size")),
                date=about.get("date"),
                rms_px=float(arrays["rms_px"]) if "rms_px" in arrays else None,
                board=about.get("board"),
                lens1=about.get("lens1", "brown"),
                lens2=about.get("lens2", "brown"),
                extra=about.get("extra") or {},
            )
        except (TypeError, ValueError) as error:
            raise CalibrationError(f"{path.name} is not a usable calibration.", f"{error}.") from error
        except CalibrationError as error:
            raise CalibrationError(f"{path.name}: {error.what}", error.why, error.next_step) from error

    def about(self) -> dict[str, Any]:
        """What a file keeps beside the matrices, JSON-able."""
        about = {"date": self.date, "board": self.board, "extra": self.extra}
        return about | ({"lens1": self.lens1, "lens2": self.lens2} if self.has_fisheye else {})

    def _check(self) -> None:
        shapes = {"K1": (3, 3), "K2": (3, 3), "R": (3, 3), "T": (3,)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise CalibrationError(f"{name} has shape {getattr(self, name).shape}, expected {shape}.")
        for name in ("D1", "D2"):
            if getattr(self, name).size not in _DISTORTION_LENGTHS:
                raise CalibrationError(
                    f"{name} has {getattr(self, name).size} coefficients, expected 4, 5, 8, 12 or 14."
                )
        for D, lens in ((self.D1, self.lens1), (self.D2, self.lens2)):
            if lens not in LENS_MODELS or (lens == "fisheye" and D.size != 4):
                raise CalibrationError(f"{D.size} coefficients do not make a lens of the kind {lens}.")
        for name in _REQUIRED_KEYS:
            if not np.all(np.isfinite(getattr(self, name))):
                raise CalibrationError(
                    f"{name} holds NaN or infinity.", "The solver did not converge.", "Calibrate again."
                )
        self._check_intrinsics()
        self._check_pose()

    def _check_intrinsics(self) -> None:
        for name in ("K1", "K2"):
            K = getattr(self, name)
            if K[0, 0] <= 0 or K[1, 1] <= 0 or not np.allclose(K[2], [0, 0, 1]):
                raise CalibrationError(f"{name} is not a camera matrix.", "Focal lengths must be positive.")

    def _check_pose(self) -> None:
        error = np.abs(self.R @ self.R.T - np.eye(3)).max()
        if error > _MAX_ROTATION_ERROR or np.linalg.det(self.R) < 0:
            raise CalibrationError("R is not a rotation.", f"R R^T differs from identity by {error:.2g}.")
        baseline_m = self.baseline_m
        if baseline_m < _MIN_BASELINE_M:
            raise CalibrationError("The baseline is zero.", "T is the null vector, so there is no depth to be had.")
        if baseline_m > _MAX_BASELINE_M:
            raise CalibrationError(
                f"The baseline is {baseline_m:.0f} m.", "T must be in metres.", "Was it saved in millimetres?"
            )
        if abs(self.T[0]) < np.abs(self.T[1:]).max():
            raise CalibrationError(
                "The two cameras do not stand side by side.",
                f"T = {np.round(self.T, 4).tolist()} m is not mainly along x.",
            )
        if self.T[0] > 0:
            raise CalibrationError(
                "Left and right are swapped.",
                f"T[0] = {self.T[0]:+.4f} m puts the right camera to the left of the left one.",
                "Swap the two cameras and calibrate again.",
            )


def _read_npz(path: Path) -> dict[str, Any]:
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("one array, no archive")
        with archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise CalibrationError(f"There is no file {path}.") from error
    except (OSError, ValueError, EOFError, AttributeError) as error:
        refused = error.strerror if isinstance(error, OSError) else None
        reason = f"{refused}." if refused else "It is no .npz archive of numbers."
        raise CalibrationError(f"{path.name} cannot be read as a calibration.", reason, _CHOOSE_FILE) from error
    except Exception as error:  # zipfile and numpy raise many kinds for a damaged archive
        raise CalibrationError(f"{path.name} is damaged.", f"{error}.", _CHOOSE_FILE) from error


def _read_about(arrays: dict[str, Any], path: Path) -> dict[str, Any]:
    if "about" not in arrays:
        return {}
    try:
        about = json.loads(str(arrays["about"]))
    except json.JSONDecodeError as error:
        raise CalibrationError(f"{path.name} is damaged.", "Its description cannot be read.") from error
    return about if isinstance(about, dict) else {}


def size_of(values: Any) -> tuple[int, int] | None:
    """(width, height) px as a file holds them; None for None. ValueError or CalibrationError when it is no size."""
    if values is None:
        return None
    width, height = (int(value) for value in np.ravel(values))
    if width <= 0 or height <= 0:
        raise CalibrationError("The image size is not positive.")
    return width, height
