"""What the closer looks find in pictures that are spoilt on purpose."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.datasets.samples import SessionSamples
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.datasets.stereo_sample import StereoSample
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration
from depthstudio.training.checks.finding import Finding
from depthstudio.training.checks.matching import match_corners
from depthstudio.training.checks.network import NetworkLook, check_dropout, check_memory, look_at_network, memory_mb
from depthstudio.training.checks.pictures import check_pictures
from depthstudio.training.checks.recipe import check_calibration, check_learning_rate
from depthstudio.training.data import TrainingData
from tests.training.fixtures import MemorySamples, quick_settings

WIDTH, HEIGHT = 240, 160


class Scenes(MemorySamples):
    """Smooth random texture at a constant disparity of 9 px, another one for every frame; `spoil` changes each."""

    def __init__(
        self, count: int, seed: int = 0, spoil: Callable[[StereoSample], StereoSample] = lambda sample: sample
    ) -> None:
        super().__init__(0)
        self.groups = [f"scene {seed}"] * count
        self.samples = [spoil(self._scene(seed * 100 + i)) for i in range(count)]

    @staticmethod
    def _scene(seed: int) -> StereoSample:
        rng = np.random.default_rng(seed)
        wide = cv2.GaussianBlur(rng.integers(0, 256, (HEIGHT, WIDTH + 9), dtype=np.uint8), (0, 0), 1.5)
        rgb = np.repeat(cv2.normalize(wide, None, 0, 255, cv2.NORM_MINMAX)[:, :, None], 3, axis=2)
        disparity = np.full((HEIGHT, WIDTH), 9, np.float32)
        valid = np.zeros((HEIGHT, WIDTH), bool)
        valid[:, 20:200] = True
        left, right = np.ascontiguousarray(rgb[:, :WIDTH]), np.ascontiguousarray(rgb[:, 9:])
        return StereoSample(left, right, disparity, valid, None, None, f"{seed:06d}", "scene")


def swapped(sample: StereoSample) -> StereoSample:
    return dataclasses.replace(sample, left=sample.right, right=sample.left)


def lowered(sample: StereoSample) -> StereoSample:
    return dataclasses.replace(sample, right=np.roll(sample.right, 3, axis=0))


def mislabelled(sample: StereoSample) -> StereoSample:
    return dataclasses.replace(sample, disparity_px=sample.disparity_px + 6)


def foreign(sample: StereoSample) -> StereoSample:
    return dataclasses.replace(sample, right=Scenes._scene(int(sample.name) + 5000).right)


def found(spoil: Callable[[StereoSample], StereoSample] = lambda sample: sample) -> list[Finding]:
    return check_pictures(TrainingData(Scenes(4, 1, spoil), Scenes(3, 2, spoil)))


def test_matched_corners_have_the_true_shift() -> None:
    scene = Scenes(1)[0]
    matches = match_corners(scene.left, lowered(scene).right)
    assert len(matches) > 30
    assert float(np.median(matches.shift_px)) == pytest.approx(9, abs=0.1)
    assert float(np.median(matches.drop_px)) == pytest.approx(3, abs=0.1)
    assert len(match_corners(np.zeros((50, 80, 3), np.uint8), np.zeros((50, 80, 3), np.uint8))) == 0


def test_good_pictures_raise_no_objection() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (swapped, "Left and right seem swapped"),
        (lowered, "Rectification is off: matched corners lie 3.0 px above or below"),
        (mislabelled, "Labels and pictures disagree: the label is 6.0 px off"),
    ],
)
def test_spoilt_pictures_are_named_with_their_frames(spoil: Callable[[StereoSample], StereoSample], said: str) -> None:
    findings = found(spoil)
    assert [finding.tone for finding in findings] == ["bad"]
    assert findings[0].what.startswith(said)
    assert findings[0].frames
    assert findings[0].next_step


def test_pictures_of_different_scenes_are_named() -> None:
    assert "are found in the right ones" in found(foreign)[0].what


def test_twins_across_the_split_are_named_with_both_frames() -> None:
    def brighter(sample: StereoSample) -> StereoSample:
        return dataclasses.replace(sample, left=np.clip(sample.left * 0.7 + 30, 0, 255).astype(np.uint8))

    twins = check_pictures(TrainingData(Scenes(4, 1), Scenes(4, 1, brighter)))[-1]
    assert twins.what.startswith("100% of the validation frames looked at are near-duplicates")
    assert twins.tone == "bad"
    assert [ref.side for ref in twins.frames[:2]] == ["validation", "train"]
    assert twins.frames[0].index == twins.frames[1].index


def test_a_learning_rate_far_from_the_presets_is_named() -> None:
    preset = quick_settings(learning_rate=1e-4)
    assert check_learning_rate(preset.changed(learning_rate=2e-4), preset) == []
    assert "3.16 times" in check_learning_rate(preset.changed(learning_rate=3.16e-4), preset)[0].what
    assert check_learning_rate(preset.changed(learning_rate=5e-3), preset)[0].tone == "bad"
    assert "1/10 of" in check_learning_rate(preset.changed(learning_rate=1e-5), preset)[0].what


def recording(folder: Path, calibration: StereoCalibration) -> SessionSamples:
    grey = np.zeros((48, 64), np.uint8)
    with SessionWriter(folder, "sim://test", calibration, {}, name=folder.name) as writer:
        writer.append(StereoFrame(0, 0.0, grey, grey, np.full((48, 64), 900, np.uint16), right_timestamp_s=0.0))
    return SessionSamples(folder)


def test_calibrations_that_differ_are_named(tmp_path: Path) -> None:
    one = StereoCalibration.rectified_pair(60.0, 0.05, 31.5, 23.5, (64, 48))
    other = StereoCalibration.rectified_pair(60.0, 0.055, 31.5, 23.5, (64, 48))
    a, b = recording(tmp_path / "a", one), recording(tmp_path / "b", other)
    assert check_calibration(TrainingData(a, a), one) == []
    given = check_calibration(TrainingData(a, a), other)[0]
    assert "baseline 55.0 / 50.0 mm" in given.what
    mixed = check_calibration(TrainingData(a, b), None)[0]
    assert [ref.side for ref in mixed.frames] == ["train", "validation"]


def test_the_memory_of_a_run_is_estimated_before_it_starts() -> None:
    settings = quick_settings(network="siamese", dropout_p=0.0)
    look = look_at_network(settings)
    small = memory_mb(look, settings, (64, 48), 10)
    large = memory_mb(look, settings.changed(batch_size=8, crop_width=640, crop_height=480), (640, 480), 10)
    assert large > 2 * small
    assert look.reach_px is None
    assert check_memory(small / 1e3, settings) == []
    assert check_memory(1e9, settings)[0].tone == "bad"


def test_a_dropout_without_effect_is_named() -> None:
    settings = quick_settings(dropout_p=0.2)
    look = NetworkLook("x", "depthstudio-s", 1, 192.0, False, 1.0)
    assert "no effect" in check_dropout(look, settings)[0].what
    assert check_dropout(look, settings.changed(dropout_p=0.0)) == []
