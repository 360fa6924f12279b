"""Predictors take camera images as they are and answer in pixels of the rectified left view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from depthstudio.errors import CalibrationError, NetworkError, SettingsError
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.inference import Predictor
from depthstudio.models import StereoNetwork, create_network, save_network

SIZE = (70, 45)  # nothing that a network likes


def network() -> StereoNetwork:
    torch.manual_seed(0)
    return create_network("depthstudio-s", channels=(8, 8, 8, 8, 8), match=8, groups=2, max_disparity=32)


def image(seed: int, channels: int = 3) -> np.ndarray:
    shape = (SIZE[1], SIZE[0], 3) if channels == 3 else (SIZE[1], SIZE[0])
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def calibration() -> StereoCalibration:
    K = np.array([[60.0, 0, 35], [0, 60.0, 22], [0, 0, 1]])
    D = np.array([0.05, 0, 0, 0, 0])
    return StereoCalibration(K, D, K, D, np.eye(3), np.array([-0.1, 0.001, 0.0]), SIZE)


def test_disparity_has_the_input_size_and_is_float32_px() -> None:
    prediction = Predictor(network(), device="cpu").predict(image(1), image(2))
    assert prediction.disparity_px.shape == (SIZE[1], SIZE[0]) and prediction.disparity_px.dtype == np.float32
    assert prediction.confidence is not None and prediction.confidence.shape == prediction.disparity_px.shape
    assert np.array_equal(prediction.left_rectified, image(1)) and prediction.inference_ms > 0


def test_it_answers_what_the_network_answers() -> None:
    left, right = image(1), image(2)
    answer = Predictor(network(), device="cpu").predict(left, right).disparity_px
    tensors = (torch.tensor(one).permute(2, 0, 1)[None] / 255 for one in (left, right))
    with torch.inference_mode():
        expected = network().eval()(*tensors).disparity[0].numpy()
    np.testing.assert_allclose(answer, expected, atol=1e-3)


def test_grey_images_count_as_colour_images_with_equal_channels() -> None:
    predictor, grey = Predictor(network(), device="cpu"), image(1, channels=1)
    as_colour = np.repeat(grey[:, :, None], 3, axis=2)
    one, other = predictor.predict(grey, grey), predictor.predict(as_colour, as_colour)
    assert np.array_equal(one.disparity_px, other.disparity_px)


def test_camera_images_are_rectified_inside() -> None:
    rectifier = Rectifier(calibration())
    left, right = image(1), image(2)
    inside = Predictor(network(), rectifier, device="cpu")
    outside = Predictor(network(), device="cpu")
    expected = outside.predict(rectifier.rectify_left(left), rectifier.rectify_right(right))
    answer = inside.predict(left, right)
    assert np.array_equal(answer.disparity_px, expected.disparity_px)
    assert np.array_equal(answer.left_rectified, rectifier.rectify_left(left))
    assert inside.geometry == rectifier.geometry and outside.geometry is None


def test_read_only_frames_can_be_predicted() -> None:
    left = image(1)
    left.flags.writeable = False
    Predictor(network(), device="cpu").predict(left, left)


def test_a_file_can_be_given(tmp_path: Path) -> None:
    save_network(network(), tmp_path / "net.safetensors", {})
    predictor = Predictor(tmp_path / "net.safetensors", device="cpu")
    predictor.warm_up(SIZE)
    assert predictor.name == "depthstudio-s (torch cpu fp32)"


def test_what_does_not_fit_is_said() -> None:
    predictor = Predictor(network(), device="cpu")
    with pytest.raises(NetworkError, match="70x45 px and the right one 60x45 px"):
        predictor.predict(image(1), image(2)[:, :60])
    with pytest.raises(NetworkError, match="8 bit"):
        predictor.predict(image(1).astype(np.float32), image(2))
    with pytest.raises(CalibrationError, match="60x45 px, the calibration is for 70x45 px"):
        Predictor(network(), Rectifier(calibration()), device="cpu").predict(image(1)[:, :60], image(2))
    with pytest.raises(NetworkError, match="no network file"):
        Predictor(Path("missing.safetensors"))
    with pytest.raises(SettingsError, match="no device 'toaster'"):
        Predictor(network(), device="toaster")
