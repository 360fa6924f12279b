"""Calibrations as YAML: OpenCV's FileStorage, and ROS camera_info for each camera of the pair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from depthstudio.errors import CalibrationError
from depthstudio.geometry.calibration import Matrix, StereoCalibration, size_of
from depthstudio.geometry.lens import Lens
from depthstudio.geometry.rectify import Rectifier
from depthstudio.storage import write_text

_NAMES = ("K1", "D1", "K2", "D2", "R", "T")
# What other programs call the same matrices in their files: OpenCV's samples, and the older C++ tutorials.
_OTHER_NAMES = {"K1": ("M1", "cameraMatrix1"), "K2": ("M2", "cameraMatrix2"), "D1": ("distCoeffs1",)}
_OTHER_NAMES["D2"] = ("distCoeffs2",)
_ROS_KEYS = ("image_width", "image_height", "camera_matrix", "rectification_matrix", "projection_matrix")
_ROS_MODELS = {4: "plumb_bob", 5: "plumb_bob", 8: "rational_polynomial"}


def save_opencv(calibration: StereoCalibration, path: Path) -> None:
    """Write all that the .npz holds as OpenCV FileStorage YAML, readable by cv::FileStorage. Atomic."""
    c = calibration
    storage = cv2.FileStorage("memory.yml", cv2.FILE_STORAGE_WRITE | cv2.FILE_STORAGE_MEMORY)
    for name in _NAMES:
        matrix = getattr(c, name)
        storage.write(name, matrix if matrix.ndim == 2 else matrix.reshape((3, 1) if name == "T" else (1, -1)))
    for key, size in (("image_size", c.image_size), ("right_image_size", c.right_image_size)):
        if size is not None:
            storage.write(key, np.array([size], np.int32))
    if c.rms_px is not None:
        storage.write("rms_px", float(c.rms_px))
    storage.write("about", json.dumps(c.about()))
    write_text(path, storage.releaseAndGetString())


def load_yaml(path: Path) -> StereoCalibration:
    """Read OpenCV's YAML or one file of a ROS pair; CalibrationError names what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CalibrationError(f"There is no file {path}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path.name} cannot be read as a calibration.", f"{error}.") from error
    try:
        return load_ros(path) if "camera_matrix:" in text else _load_opencv(path, text)
    except (ValueError, TypeError, cv2.error, SystemError) as error:
        raise CalibrationError(f"{path.name} is not a usable calibration.", f"{error}.") from error
    except CalibrationError as error:
        if path.name in error.what:
            raise
        raise CalibrationError(f"{path.name}: {error.what}", error.why, error.next_step) from error


def _load_opencv(path: Path, text: str) -> StereoCalibration:
    text = text if text.startswith("%YAML") else f"%YAML:1.0\n---\n{text}"
    storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY | cv2.FILE_STORAGE_FORMAT_YAML)
    found: dict[str, Any] = {}
    for name in _NAMES:
        for key in (name, *_OTHER_NAMES.get(name, ())):
            node = storage.getNode(key)
            if not node.empty() and node.mat() is not None:
                found[name] = node.mat()
                break
    missing = [name for name in _NAMES if name not in found]
    if missing:
        raise CalibrationError(f"{path.name} is not a stereo calibration.", f"It lacks {', '.join(missing)}.")
    about_text = storage.getNode("about")
    about = json.loads(about_text.string()) if about_text.isString() else {}
    about = about if isinstance(about, dict) else {}
    sizes = [storage.getNode(key) for key in ("image_size", "right_image_size")]
    left_size, right_size = (None if node.empty() else size_of(node.mat()) for node in sizes)
    rms = storage.getNode("rms_px")
    return StereoCalibration(
        **found,
        image_size=left_size,
        right_image_size=right_size,
        rms_px=None if rms.empty() else float(rms.real()),
        date=about.get("date"),
        board=about.get("board"),
        lens1=about.get("lens1", "brown"),
        lens2=about.get("lens2", "brown"),
        extra=about.get("extra") or {},
    )


def ros_files(path: Path) -> tuple[Path, Path]:
    """The two files of a ROS pair, from either of them or from the name they share."""
    stem = path.stem
    for ending in ("_left", "_right", "left", "right"):
        if stem.endswith(ending):
            base, joint = stem.removesuffix(ending), "_" if ending.startswith("_") else ""
            return path.with_name(f"{base}{joint}left.yaml"), path.with_name(f"{base}{joint}right.yaml")
    return path.with_name(f"{stem}_left.yaml"), path.with_name(f"{stem}_right.yaml")


def save_ros(calibration: StereoCalibration, path: Path, size: tuple[int, int] | None = None) -> tuple[Path, Path]:
    """Write NAME_left.yaml and NAME_right.yaml as ROS camera_info (camera_calibration_parsers); returns both.

    size is needed only for a calibration that does not know its image size. The pose between the cameras is in the
    rectification and projection matrices, as ROS has it: R1, R2 and P2[0, 3] = -f B.
    """
    rectifier = Rectifier(calibration, size)
    files = ros_files(path)
    c = calibration
    texts = (
        _ros_text("left", c.left, rectifier.R1, rectifier.P1, rectifier.raw_size),
        _ros_text("right", c.right, rectifier.R2, rectifier.P2, rectifier.right_raw_size),
    )
    for file, text in zip(files, texts, strict=True):
        write_text(file, text)
    return files


def load_ros(path: Path) -> StereoCalibration:
    """The pair of ROS camera_info files that `path` belongs to. R = R2^T R1 and T = -R2^T (B, 0, 0)."""
    files = [file.with_suffix(path.suffix) for file in ros_files(path)]
    for file in files:
        if not file.is_file():
            raise CalibrationError(
                f"{path.name} holds one camera of a pair.",
                f"{file.name} is missing beside it.",
                "Keep both camera_info files in one folder, named NAME_left.yaml and NAME_right.yaml.",
            )
    left, right = (_read_ros(file) for file in files)
    P2, R2 = right["projection_matrix"], right["rectification_matrix"]
    R, T = R2.T @ left["rectification_matrix"], R2.T @ np.array([P2[0, 3] / P2[0, 0], 0.0, 0.0])
    same = left["size"] == right["size"]
    return StereoCalibration(
        left["camera_matrix"],
        left["distortion_coefficients"],
        right["camera_matrix"],
        right["distortion_coefficients"],
        R,
        T,
        image_size=left["size"],
        right_image_size=None if same else right["size"],
        lens1=left["lens"],
        lens2=right["lens"],
    )


def _ros_text(name: str, lens: Lens, R: Matrix, P: Matrix, image_size: tuple[int, int]) -> str:
    D = lens.D
    if lens.model == "fisheye":
        model = "equidistant"
    else:
        D = np.pad(D, (0, max(0, 5 - D.size)))
        if D.size not in _ROS_MODELS:
            raise CalibrationError(f"ROS camera_info has no lens model with {D.size} coefficients.")
        model = _ROS_MODELS[D.size]
    lines = [f"image_width: {image_size[0]}", f"image_height: {image_size[1]}", f"camera_name: {name}"]
    for key, matrix in (("camera_matrix", lens.K), ("distortion_coefficients", D.reshape(1, -1))):
        lines += _ros_matrix(key, matrix)
    lines.insert(7, f"distortion_model: {model}")
    for key, matrix in (("rectification_matrix", R), ("projection_matrix", P)):
        lines += _ros_matrix(key, matrix)
    return "\n".join(lines) + "\n"


def _ros_matrix(key: str, matrix: Matrix) -> list[str]:
    values = ", ".join(repr(float(value)) for value in np.ravel(matrix))
    return [f"{key}:", f"  rows: {matrix.shape[0]}", f"  cols: {matrix.shape[1]}", f"  data: [{values}]"]


def _read_ros(path: Path) -> dict[str, Any]:
    """The few keys of a camera_info file, which is YAML of one fixed shape: no YAML library is worth it."""
    found: dict[str, Any] = {}
    heading = ""
    text = path.read_text(encoding="utf-8").replace(",\n", ", ")
    for line in text.splitlines():
        key, _, value = line.strip().partition(":")
        if key == "data":
            found[heading] = np.array([float(number) for number in value.strip(" []").split(",") if number.strip()])
        elif value.strip():
            found.setdefault(key, value.strip().strip("\"'"))
        else:
            heading = key
    missing = [key for key in _ROS_KEYS if key not in found]
    if missing:
        raise CalibrationError(f"{path.name} is not a ROS camera_info file.", f"It lacks {', '.join(missing)}.")
    found["size"] = (int(found["image_width"]), int(found["image_height"]))
    found["lens"] = "fisheye" if found.get("distortion_model") in ("equidistant", "fisheye") else "brown"
    found.setdefault("distortion_coefficients", np.zeros(5))
    for key, shape in (("camera_matrix", (3, 3)), ("rectification_matrix", (3, 3)), ("projection_matrix", (3, 4))):
        found[key] = np.asarray(found[key], np.float64).reshape(shape)
    return found
