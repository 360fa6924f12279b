"""Public benchmarks as they are downloaded: KITTI 2012 and 2015, ETH3D, SceneFlow, Middlebury before 2014.

Middlebury 2014, 2021 and MiddEval3, and ETH3D with images and truth in one folder, are MiddleburySamples.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from depthstudio.datasets.ground_truth import GroundTruthSamples, TruthFiles
from depthstudio.datasets.image_pairs import IMAGE_SUFFIXES
from depthstudio.datasets.natural_order import natural_key

# Layout: (left images, right images, all truth, truth without occlusions, calibrations)
_KITTI = {
    "KITTI 2015": ("image_2", "image_3", "disp_occ_0", "disp_noc_0", "calib_cam_to_cam"),
    "KITTI 2012, colour": ("colored_0", "colored_1", "disp_occ", "disp_noc", "calib"),
    "KITTI 2012": ("image_0", "image_1", "disp_occ", "disp_noc", "calib"),
}
_RENDERINGS = ("frames_cleanpass", "frames_finalpass")
_SCENEFLOW_SPLITS = {"TRAIN": "train", "TEST": "validation"}
_OLD_MIDDLEBURY_FULL_PX = {"im2": (1800, 1), "view1": (1110, 0)}  # full size: width of 2003, height of 2005 and 2006


def benchmark_samples(folder: Path) -> GroundTruthSamples | None:
    """The pairs of a benchmark folder, or of one a level above or below; None when it is none."""
    readers: tuple[Callable[[Path], GroundTruthSamples | None], ...] = (_kitti, _sceneflow, _eth3d, _old_middlebury)
    return next((found for reader in readers if (found := reader(folder)) is not None), None)


def _kitti(folder: Path) -> GroundTruthSamples | None:
    for home in (folder, folder / "training"):
        for title, (left, right, truth, visible, calib) in _KITTI.items():
            if not all((home / name).is_dir() for name in (left, right, truth)):
                continue
            files = []
            for path in sorted((home / truth).glob("*.png"), key=natural_key):
                pair = home / left / path.name, home / right / path.name
                if all(image.is_file() for image in pair):
                    seen, rig = home / visible / path.name, home / calib / f"{path.stem.partition('_')[0]}.txt"
                    files.append(
                        TruthFiles(
                            *pair,
                            path,
                            path.stem,
                            path.stem,
                            nonoccluded=seen if seen.is_file() else None,
                            calib=rig if rig.is_file() else None,
                        )
                    )
            if files:
                return GroundTruthSamples(files, f"{title}: {len(files)} pairs in {folder.absolute().name}")
    return None


def _sceneflow(folder: Path) -> GroundTruthSamples | None:
    """``frames_cleanpass/<scene>/left/*.png`` with ``disparity/<scene>/left/*.pfm``: all three films of SceneFlow."""
    homes = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    files: list[TruthFiles] = []
    for home in homes:
        rendering = next((home / name for name in _RENDERINGS if (home / name).is_dir()), None)
        if rendering is not None and (home / "disparity").is_dir():
            files += _sceneflow_files(home, rendering)
    if not files:
        return None
    roles = {
        entry.group: role
        for entry in files
        for name, role in _SCENEFLOW_SPLITS.items()
        if name in Path(entry.group).parts
    }
    return GroundTruthSamples(files, f"SceneFlow: {len(files)} pairs in {folder.absolute().name}", roles)


def _sceneflow_files(home: Path, rendering: Path) -> list[TruthFiles]:
    files = []
    for left in sorted(rendering.rglob("left/*"), key=natural_key):
        scene = left.parent.parent.relative_to(rendering)
        right, truth, other = (
            rendering / scene / "right" / left.name,
            home / "disparity" / scene / "left" / f"{left.stem}.pfm",
            home / "disparity" / scene / "right" / f"{left.stem}.pfm",
        )
        if left.suffix.lower() in IMAGE_SUFFIXES and right.is_file() and truth.is_file():
            group = f"{home.absolute().name}/{scene}"
            files.append(
                TruthFiles(left, right, truth, f"{group}/{left.stem}", group, other if other.is_file() else None)
            )
    return files


def _eth3d(folder: Path) -> GroundTruthSamples | None:
    """``two_view_training/<scene>/im0.png`` with the truth in ``two_view_training_gt/<scene>/disp0GT.pfm``."""
    for images, truths in ((folder / "two_view_training", folder / "two_view_training_gt"), (folder, None)):
        truth_folder = truths or folder.parent / f"{folder.absolute().name}_gt"
        if not images.is_dir() or not truth_folder.is_dir():
            continue
        files = [
            TruthFiles(
                scene / "im0.png",
                scene / "im1.png",
                truth,
                scene.name,
                scene.name,
                nonoccluded=visible if (visible := truth.with_name("mask0nocc.png")).is_file() else None,
                calib=rig if (rig := scene / "calib.txt").is_file() else None,
            )
            for scene in sorted(images.iterdir(), key=natural_key)
            if (truth := truth_folder / scene.name / "disp0GT.pfm").is_file() and (scene / "im1.png").is_file()
        ]
        if files:
            return GroundTruthSamples(files, f"ETH3D: {len(files)} pairs in {folder.absolute().name}")
    return None


def _old_middlebury(folder: Path) -> GroundTruthSamples | None:
    """2001: im2, im6.ppm, disp2.pgm. 2003: im2, im6, disp2.png. 2005 and 2006: view1, view5, disp1.png."""
    scenes = [folder, *sorted(folder.glob("*/"), key=natural_key), *sorted(folder.glob("*/*/"), key=natural_key)]
    files = []
    for scene in scenes:
        for left, right, truth, suffixes in (
            ("im2", "im6", "disp2", (".ppm", ".pgm")),
            ("im2", "im6", "disp2", (".png", ".png")),
            ("view1", "view5", "disp1", (".png", ".png")),
        ):
            images = scene / (left + suffixes[0]), scene / (right + suffixes[0])
            disparity = scene / (truth + suffixes[1])
            if all(path.is_file() for path in (*images, disparity)):
                name = scene.absolute().name
                files.append(TruthFiles(*images, disparity, name, name, disparity_scale=_scale_of(suffixes[1], left)))
    if not files:
        return None
    return GroundTruthSamples(files, f"Middlebury: {len(files)} pairs in {folder.absolute().name}")


def _scale_of(suffix: str, left: str) -> Callable[[tuple[int, ...]], float]:
    """Grey values per px of disparity, for a map of (H, W): 8 in 2001; later they are px of the full-sized images."""
    if suffix == ".pgm":
        return lambda _: 8.0
    full_px, axis = _OLD_MIDDLEBURY_FULL_PX[left]
    return lambda shape: float(max(1, round(full_px / shape[axis])))
