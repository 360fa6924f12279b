"""Rectified pairs with exact or scanned disparity, and the layouts of FlyingThings3D's subset and Middlebury."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from depthstudio.datasets.image_pairs import IMAGE_SUFFIXES
from depthstudio.datasets.natural_order import natural_key
from depthstudio.datasets.pfm import read_pfm
from depthstudio.datasets.session_format import read_pixels
from depthstudio.datasets.stereo_sample import BoolMap, FloatMap, StereoSample, as_rgb
from depthstudio.errors import DatasetError
from depthstudio.geometry import RectifiedGeometry


@dataclass(frozen=True)
class TruthFiles:
    """Where one pair and its truth lie.

    nonoccluded: a mask (255 = seen by both cameras), or a map that holds the truth of such pixels only (16 bit).
    disparity_scale: of 8-bit maps, grey values per px for a map of that shape.
    """

    left: Path
    right: Path
    disparity: Path
    name: str
    group: str
    right_disparity: Path | None = None
    nonoccluded: Path | None = None
    calib: Path | None = None
    disparity_scale: Callable[[tuple[int, ...]], float] | None = None


class GroundTruthSamples:
    """Samples whose label is the truth: every finite positive disparity is valid, the label masks do not apply."""

    def __init__(self, files: Sequence[TruthFiles], title: str, roles: Mapping[str, str] | None = None) -> None:
        self.files = list(files)
        self.title = title
        self.groups = [entry.group for entry in self.files]
        self.roles = dict(roles or {})

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> StereoSample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        files = self.files[index]
        left, right = as_rgb(read_pixels(files.left)), as_rgb(read_pixels(files.right))
        disparity_px = read_disparity(files.disparity, files.disparity_scale)
        if disparity_px.shape != left.shape[:2] or right.shape != left.shape:
            raise DatasetError(
                f"{files.name}: images and disparity differ in size.",
                f"Left {left.shape[:2]}, right {right.shape[:2]}, disparity {disparity_px.shape}.",
            )
        return StereoSample(
            left,
            right,
            disparity_px,
            np.isfinite(disparity_px),
            None,
            _read_geometry(files, (left.shape[1], left.shape[0])),
            files.name,
            files.group,
            nonoccluded=_read_mask(files.nonoccluded) if files.nonoccluded is not None else None,
            right_disparity_px=read_disparity(files.right_disparity) if files.right_disparity is not None else None,
        )


KITTI_SCALE = 256


def read_disparity(path: Path, scale: Callable[[tuple[int, ...]], float] | None = None) -> FloatMap:
    """Disparity (H, W) float32 px, positive, NaN = unknown, from .pfm, .npy, or an image with 0 for unknown.

    16-bit images hold 1/256 px (KITTI). 8-bit ones need `scale`: grey values per px for a map of that shape.
    Some renderings store the motion from one view to the other, which is minus the disparity for the left view: a map
    that is mostly negative is turned around.
    """
    values = read_pfm(path) if path.suffix.lower() == ".pfm" else read_pixels(path)
    if values.ndim == 3:
        values = values[:, :, 0]
    if values.dtype == np.uint16:
        values = values.astype(np.float32) / KITTI_SCALE
    elif values.dtype == np.uint8 and scale is not None:
        values = values.astype(np.float32) / np.float32(scale(values.shape))
    if values.ndim != 2 or values.dtype.kind != "f":
        raise DatasetError(f"{path} is no disparity map.", f"It holds {values.dtype} {values.shape}.")
    if np.count_nonzero(values < 0) > np.count_nonzero(values > 0):
        values = -values
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(values) & (values > 0), values, np.nan).astype(np.float32)


def _read_mask(path: Path) -> BoolMap:
    values = read_pixels(path)
    values = values[:, :, 0] if values.ndim == 3 else values
    return values > 0 if values.dtype == np.uint16 else values == 255


def _read_geometry(files: TruthFiles, size: tuple[int, int]) -> RectifiedGeometry | None:
    if files.calib is None:
        return None
    home = files.left.parent.name
    camera = "2" if home.startswith("colored") else home[-1]  # KITTI 2012 counts its colour cameras from 2
    return read_calib_txt(files.calib) or read_kitti_calib(files.calib, camera, size)


def read_kitti_calib(path: Path, camera: str, size: tuple[int, int]) -> RectifiedGeometry | None:
    """KITTI's calibration: ``P_rect_02: 12 numbers`` (2015) or ``P0: ...`` (2012), row-major 3x4, metres.

    camera: the left one's digit, 0 or 2; the right one has the next. size: (width, height) px. None when a value is
    missing. In P = K [I | t], t_x = P[0, 3] / f, and the baseline is the difference of both cameras' t_x.
    """
    left, right = camera, str(int(camera) + 1) if camera.isdigit() else ""
    try:
        text = path.read_text("utf-8", errors="replace")
        found = dict(re.findall(r"^P(?:_rect_0)?(\d)\s*:\s*(.+?)\s*$", text, re.MULTILINE))
        p, q = ([float(number) for number in found[name].split()] for name in (left, right))
        return RectifiedGeometry(p[0], (p[3] - q[3]) / p[0], p[2], p[6], size, q[2] - p[2])
    except (OSError, KeyError, ValueError, IndexError, ZeroDivisionError):
        return None


def read_calib_txt(path: Path) -> RectifiedGeometry | None:
    """Middlebury's calib.txt: ``cam0=[f 0 cx; 0 f cy; 0 0 1]``, ``doffs`` px, ``baseline`` mm, width, height.

    None when a value is missing: the pair is still good for matching. Z = baseline * f / (d + doffs).
    """
    try:
        values = dict(re.findall(r"^\s*(\w+)\s*=\s*(.+?)\s*$", path.read_text("utf-8", errors="replace"), re.MULTILINE))
        camera = [float(number) for number in re.findall(r"[-+.\deE]+", values["cam0"])]
        return RectifiedGeometry(
            camera[0],
            float(values["baseline"]) / 1000,
            camera[2],
            camera[5],
            (int(values["width"]), int(values["height"])),
            float(values.get("doffs", 0)),
        )
    except (OSError, KeyError, ValueError, IndexError):
        return None


_SPLITS = {"train": "train", "training": "train", "val": "validation", "validation": "validation", "test": "validation"}
_RENDERINGS = ("image_clean", "image_final", "frames_cleanpass", "frames_finalpass")


class FlyingThingsSamples(GroundTruthSamples):
    """``[train|val]/image_clean/{left,right}`` with ``disparity/left`` PFM; images PNG or WebP.

    Every split folder has its role; scenes are groups where the files lie in scene folders.
    """

    def __init__(self, folder: Path | str) -> None:
        folder = Path(folder)
        files: list[TruthFiles] = []
        roles: dict[str, str] = {}
        for split in flyingthings_splits(folder):
            found = _flyingthings_files(split)
            files += found
            if split.name.lower() in _SPLITS:
                roles.update({entry.group: _SPLITS[split.name.lower()] for entry in found})
        if not files:
            raise DatasetError(
                f"There is no FlyingThings3D data in {folder}.",
                "Looked for train|val/image_clean/left with right beside it and disparity/left/*.pfm.",
            )
        super().__init__(files, f"FlyingThings3D: {len(files)} pairs in {folder.absolute().name}", roles)


def flyingthings_splits(folder: Path) -> list[Path]:
    """The folder itself and those of its children that hold a rendering's left images."""
    candidates = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    return [path for path in candidates if _rendering(path) is not None and (path / "disparity/left").is_dir()]


def _rendering(split: Path) -> Path | None:
    found = (split / name for name in _RENDERINGS if (split / name / "left").is_dir())
    return next(found, None)


def _flyingthings_files(split: Path) -> list[TruthFiles]:
    images = _rendering(split)
    if images is None:
        return []
    files = []
    for left in sorted((images / "left").rglob("*"), key=natural_key):
        inside = left.relative_to(images / "left")
        right, disparity = images / "right" / inside, (split / "disparity/left" / inside).with_suffix(".pfm")
        if left.suffix.lower() in IMAGE_SUFFIXES and right.exists() and disparity.exists():
            other = (split / "disparity/right" / inside).with_suffix(".pfm")
            group = split.absolute().name if inside.parent == Path() else f"{split.absolute().name}/{inside.parent}"
            name = f"{split.absolute().name}/{inside.with_suffix('')}"
            files.append(TruthFiles(left, right, disparity, name, group, other if other.exists() else None))
    return files


_PAIR_NAMES = (("im0.png", "im1.png"), ("left.png", "right.png"))
_TRUTH_NAMES = ("disp0GT.pfm", "disp0.pfm", "disp.pfm", "disp0.npy", "disp.npy")
_RIGHT_TRUTH_NAMES = ("disp1GT.pfm", "disp1.pfm", "disp_right.npy")
_NONOCCLUDED_NAMES = ("mask0nocc.png", "mask_nocc.png")


class MiddleburySamples(GroundTruthSamples):
    """Scene folders with im0/im1.png or left/right.png and disp0GT.pfm, disp0.pfm or disp.npy; calib.txt when there."""

    def __init__(self, folder: Path | str) -> None:
        folder = Path(folder)
        files = [entry for scene in middlebury_scenes(folder) if (entry := _scene_files(scene)) is not None]
        if not files:
            raise DatasetError(
                f"There is no scene with ground truth in {folder}.",
                f"Looked for im0.png, im1.png or left.png, right.png with one of {', '.join(_TRUTH_NAMES)}.",
            )
        scenes = "scene" if len(files) == 1 else "scenes"
        super().__init__(files, f"{len(files)} {scenes} with ground truth in {folder.absolute().name}")


def middlebury_scenes(folder: Path) -> list[Path]:
    """The folder itself, or those up to two levels below, that hold a pair with ground truth."""
    candidates = [folder, *sorted(folder.glob("*/"), key=natural_key), *sorted(folder.glob("*/*/"), key=natural_key)]
    return [path for path in candidates if _scene_files(path) is not None]


def _scene_files(scene: Path) -> TruthFiles | None:
    pair = next((names for names in _PAIR_NAMES if all((scene / name).is_file() for name in names)), None)
    truth = _first_existing(scene, _TRUTH_NAMES)
    if pair is None or truth is None:
        return None
    name = scene.absolute().name
    return TruthFiles(
        scene / pair[0],
        scene / pair[1],
        truth,
        name,
        name,
        _first_existing(scene, _RIGHT_TRUTH_NAMES),
        _first_existing(scene, _NONOCCLUDED_NAMES),
        _first_existing(scene, ("calib.txt",)),
    )


def _first_existing(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)
