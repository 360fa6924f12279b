"""Public benchmarks as they are downloaded, rebuilt small: every layout is recognised and its truth read in px."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.datasets.ground_truth import read_kitti_calib
from depthstudio.datasets.pfm import write_pfm
from depthstudio.datasets.samples import open_samples

H, W = 12, 20
SHIFT = 3.5


def images(*paths: Path, size: tuple[int, int] = (W, H)) -> None:
    for seed, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        assert cv2.imwrite(str(path), pixels)


def truth(hole: tuple[int, int] = (0, 0)) -> np.ndarray:
    values = np.full((H, W), SHIFT, np.float32)
    values[hole] = np.nan
    return values


def kitti_png(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), (np.nan_to_num(values) * 256).astype(np.uint16))


@pytest.mark.parametrize(
    ("folders", "text"),
    [
        (
            ("image_2", "image_3", "disp_occ_0", "disp_noc_0", "calib_cam_to_cam"),
            "P_rect_02: 721.5 0 609.5 44.85 0 721.5 172.8 0.21 0 0 1 0.002\n"
            "P_rect_03: 721.5 0 609.5 -339.5 0 721.5 172.8 2.19 0 0 1 0.002\n",
        ),
        (
            ("colored_0", "colored_1", "disp_occ", "disp_noc", "calib"),
            "P0: 7 0 6 0 0 7 1 0 0 0 1 0\nP1: 7 0 6 -3 0 7 1 0 0 0 1 0\n"
            "P2: 721.5 0 609.5 44.85 0 721.5 172.8 0.21 0 0 1 0.002\n"
            "P3: 721.5 0 609.5 -339.5 0 721.5 172.8 2.19 0 0 1 0.002\n",
        ),
    ],
    ids=["2015", "2012"],
)
def test_kitti(tmp_path: Path, folders: tuple[str, ...], text: str) -> None:
    left, right, occ, noc, calib = folders
    home = tmp_path / "training"
    for number in (10, 2):
        name = f"0000{number:02d}_10.png"
        images(home / left / name, home / right / name)
        images(home / left / name.replace("_10", "_11"), home / right / name.replace("_10", "_11"))
        kitti_png(home / occ / name, truth())
        kitti_png(home / noc / name, truth((1, 1)))
        rig = home / calib / f"0000{number:02d}.txt"
        rig.parent.mkdir(exist_ok=True)
        rig.write_text(text)
    for folder in (tmp_path, home):
        samples = open_samples(folder)
        assert len(samples) == 2 and "KITTI" in samples.title
    sample = samples[0]
    assert sample.name == "000002_10"
    assert not sample.valid[0, 0] and sample.disparity_px[1, 1] == SHIFT
    assert sample.nonoccluded is not None
    assert not sample.nonoccluded[1, 1] and sample.nonoccluded[2, 2]
    assert sample.geometry is not None
    assert sample.geometry.baseline_m == pytest.approx((44.85 + 339.5) / 721.5)
    assert sample.geometry.focal_px == 721.5 and sample.geometry.size == (W, H)


def test_a_calibration_without_the_camera_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("P0: 1 2 3\n")
    assert read_kitti_calib(tmp_path / "c.txt", "2", (W, H)) is None
    assert read_kitti_calib(tmp_path / "c.txt", "0", (W, H)) is None


def test_eth3d_with_its_truth_in_another_folder(tmp_path: Path) -> None:
    scene, gt = tmp_path / "two_view_training/forest_1s", tmp_path / "two_view_training_gt/forest_1s"
    images(scene / "im0.png", scene / "im1.png")
    gt.mkdir(parents=True)
    write_pfm(gt / "disp0GT.pfm", truth())
    cv2.imwrite(str(gt / "mask0nocc.png"), np.full((H, W), 255, np.uint8))
    (scene / "calib.txt").write_text(
        f"cam0=[541.7 0 10; 0 541.7 6; 0 0 1]\ncam1=[541.7 0 10; 0 541.7 6; 0 0 1]\ndoffs=0\nbaseline=59.9\n"
        f"width={W}\nheight={H}\nndisp=64\n"
    )
    for folder in (tmp_path, tmp_path / "two_view_training"):
        samples = open_samples(folder)
        assert samples.title.startswith("ETH3D: 1 pair")
    sample = samples[0]
    assert sample.nonoccluded is not None and sample.nonoccluded.all()
    assert sample.geometry is not None and sample.geometry.baseline_m == pytest.approx(0.0599)


def test_sceneflow_films_side_by_side(tmp_path: Path) -> None:
    scenes = ("flyingthings3d", "TRAIN/A/0000", "0006"), ("flyingthings3d", "TEST/A/0001", "0007"), (
        "driving", "35mm_focallength/scene_forwards/fast", "0001"
    )  # fmt: skip
    for film, scene, name in scenes:
        home = tmp_path / film
        images(*(home / "frames_finalpass" / scene / side / f"{name}.png" for side in ("left", "right")))
        for side, sign in (("left", 1), ("right", -1)):
            target = home / "disparity" / scene / side / f"{name}.pfm"
            target.parent.mkdir(parents=True)
            write_pfm(target, (sign * truth()).astype(np.float32))
    samples = open_samples(tmp_path)
    assert len(samples) == 3 and samples.title.startswith("SceneFlow")
    assert samples.roles == {
        "flyingthings3d/TRAIN/A/0000": "train",
        "flyingthings3d/TEST/A/0001": "validation",
    }
    sample = samples[0]
    assert sample.right_disparity_px is not None and np.nanmax(sample.right_disparity_px) == SHIFT


@pytest.mark.parametrize(
    ("names", "size", "grey"),
    [
        (("im2.ppm", "im6.ppm", "disp2.pgm"), (W, H), 28),
        (("im2.png", "im6.png", "disp2.png"), (450, 375), 14),
        (("view1.png", "view5.png", "disp1.png"), (437, 370), 11),
    ],
    ids=["2001", "2003 quarter", "2006 third"],
)
def test_middlebury_in_grey_values(
    tmp_path: Path, names: tuple[str, str, str], size: tuple[int, int], grey: int
) -> None:
    left, right, disparity = names
    scene = tmp_path / "cones"
    images(scene / left, scene / right, size=size)
    stored = np.full((size[1], size[0]), grey, np.uint8)
    stored[0, 0] = 0
    cv2.imwrite(str(scene / disparity), stored)
    sample = open_samples(tmp_path)[0]
    assert not sample.valid[0, 0]
    assert sample.disparity_px[5, 5] == pytest.approx(SHIFT if grey != 11 else 11 / 3)
