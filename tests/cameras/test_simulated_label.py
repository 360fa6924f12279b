"""The simulated depth label has RealSense depth's habits."""

import numpy as np
import pytest

from depthstudio.cameras.simulated import SimulatedSource, label
from depthstudio.frames import StereoFrame


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DEPTHSTUDIO_CACHE", str(tmp_path))


def frames(url: str, count: int = 1) -> list[StereoFrame]:
    with SimulatedSource.from_url(f"{url}&realtime=0") as source:
        return [frame for frame in (source.read() for _ in range(count)) if frame is not None]


def test_depth_comes_in_steps_of_a_32nd_of_a_pixel() -> None:
    with SimulatedSource.from_url("sim://ir?scene=wall&distance_m=2&size=320x240&realtime=0") as source:
        frame = source.read()
        focal_px = source.exact_calibration.K1[0, 0]
    assert frame is not None and frame.depth_mm is not None and frame.depth_mm.dtype == np.uint16
    depth_mm = frame.depth_mm[frame.depth_mm > 0].astype(float)
    steps = 32 * 1000 * focal_px * 0.05 / depth_mm
    # Millimetres are rounded after the steps, so a step is not met better than half a millimetre allows.
    assert np.all(np.abs(steps - np.rint(steps)) <= 0.5 * steps / depth_mm + 1e-6)
    assert len(np.unique(depth_mm)) < 60


def test_depth_noise_grows_with_the_square_of_the_distance() -> None:
    spread = {}
    for distance_m in (1, 3):
        (frame,) = frames(f"sim://ir?scene=wall&distance_m={distance_m}&size=640x480&frames=1")
        depth_mm = frame.depth_mm[frame.depth_mm > 0].astype(float)
        assert np.median(depth_mm) == pytest.approx(1000 * distance_m, rel=0.01)
        spread[distance_m] = depth_mm.std()
    assert 6 < spread[3] / spread[1] < 13
    # 0.08 px and 1/32 px steps at f B = 19.25 px m.
    assert spread[1] == pytest.approx(1000 * np.hypot(0.08, 1 / 32 / np.sqrt(12)) / 19.25, rel=0.25)


def test_noise_changes_from_frame_to_frame_and_neighbours_share_it() -> None:
    first, second = frames("sim://ir?scene=wall&size=320x240&frames=2", 2)
    both = (first.depth_mm > 0) & (second.depth_mm > 0)
    error = (first.depth_mm.astype(float) - 1000.0) * both
    assert np.abs(first.depth_mm.astype(int) - second.depth_mm)[both].mean() > 1
    neighbours = np.corrcoef(error[50:-50, 50:-51].ravel(), error[50:-50, 51:-50].ravel())[0, 1]
    assert neighbours > 0.5


def test_the_projector_fills_holes_in_weak_texture() -> None:
    share = {}
    for projector in ("on", "off"):
        (frame,) = frames(f"sim://ir?scene=desk&size=320x240&frames=1&projector={projector}")
        share[projector] = (frame.depth_mm > 0).mean()
    assert share["on"] > 0.75
    assert share["off"] < share["on"] - 0.1


def test_what_the_second_imager_cannot_see_has_no_depth() -> None:
    disparity = np.full((8, 64), 4.0, np.float32)
    disparity[:, 30:40] = 12.0
    hidden = label.occluded_in_right(disparity)
    assert hidden[:, :4].all(), "left of the right image"
    assert hidden[:, 23:30].all(), "in the near thing's shadow on its left"
    assert not hidden[:, 4:22].any()
    assert not hidden[:, 30:].any()


def test_a_slanted_surface_hides_nothing_of_itself() -> None:
    x = np.arange(100, dtype=np.float32)
    for slope in (-0.5, 0.4, 0.9):
        disparity = np.tile(20 + slope * (x - 50), (4, 1)).astype(np.float32)
        assert not label.occluded_in_right(disparity)[:, 70:].any()


def test_weak_contrast_cannot_be_matched() -> None:
    rng = np.random.default_rng(0)
    image = np.full((60, 80), 120, np.uint8)
    image[:, 40:] = rng.integers(60, 180, (60, 40))
    quality = label.matchability(image, np.zeros(image.shape, bool))
    depth_mm = label.DepthLabeller(19.25, noise=False).measure(np.full((60, 80), 256 * 10, np.uint16), quality, rng)
    assert not depth_mm[:, :30].any()
    assert (depth_mm[:, 50:] == 1925).all()


def test_too_near_and_too_far_have_no_depth() -> None:
    quality = np.full((1, 3), 255, np.uint8)
    units = np.array([[130 * 256, 10 * 256, 1 * 256]], np.uint16)
    measured = label.DepthLabeller(19.25, noise=False).measure(units, quality, np.random.default_rng(0))
    assert measured.tolist() == [[0, 1925, 0]]


def test_some_pixels_at_edges_float_between_near_and_far() -> None:
    disparity = np.full((200, 40), 4.0, np.float32)
    disparity[:, 20:] = 12.0
    units = label.ideal_units(disparity, np.random.default_rng(1))
    between = (units > 5 * 256) & (units < 11 * 256)
    assert 0 < between.mean() < 0.02
    assert not between[:, :18].any() and not between[:, 22:].any()
