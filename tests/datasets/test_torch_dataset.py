from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from depthstudio.datasets import CachedSamples, StereoSample
from depthstudio.datasets.augmentation import AugmentationSettings, swap_flip, vary_photometry
from depthstudio.datasets.cropping import Window, choose_window, cut, padded
from depthstudio.datasets.torch_dataset import DisparityDataset


def shifted_pair(width: int = 160, height: int = 60, disparity: int = 8) -> StereoSample:
    """A textured plane, so that left[x] == right[x - disparity]; the left margin has no label."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 256, (height // 4, (width + disparity) // 4 + 1, 3), np.uint8)
    texture = texture.repeat(4, 0).repeat(4, 1)
    disparity_px = np.full((height, width), disparity, np.float32)
    disparity_px[:, :disparity] = np.nan
    return StereoSample(
        texture[:, :width].copy(),
        texture[:, disparity : width + disparity].copy(),
        disparity_px,
        np.isfinite(disparity_px),
        None,
        None,
        "plane",
        "planes",
    )


class Samples:
    title = "test"

    def __init__(self, samples: Sequence[StereoSample]) -> None:
        self.samples = samples
        self.groups = [sample.group for sample in samples]
        self.roles: dict[str, str] = {}
        self.reads = 0

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> StereoSample:
        self.reads += 1
        return self.samples[index]


def matching_error(left: np.ndarray, right: np.ndarray, disparity: np.ndarray, valid: np.ndarray) -> float:
    """Mean grey difference between left pixels and their matches in the right image, linearly interpolated."""
    errors = []
    columns = np.arange(left.shape[1])
    for y in range(left.shape[0]):
        at = columns - np.nan_to_num(disparity[y])
        inside = valid[y] & (at >= 0) & (at <= left.shape[1] - 1)
        if inside.any():
            match = np.interp(at[inside], columns, right[y].mean(axis=1))
            errors.append(np.abs(match - left[y].mean(axis=1)[inside]).mean())
    return float(np.mean(errors))


@pytest.mark.parametrize(("out_width", "out_height"), [(80, 60), (240, 60), (160, 30), (120, 90)])
def test_a_resize_scales_disparity_by_the_ratio_of_the_widths(out_width: int, out_height: int) -> None:
    sample = shifted_pair()
    resized = cut(sample, Window(0, 0, 160, 60, (out_width, out_height)))
    assert resized.left.shape == (out_height, out_width, 3)
    assert np.nanmax(resized.disparity_px) == pytest.approx(8 * out_width / 160)
    assert matching_error(resized.left, resized.right, resized.disparity_px, resized.valid) < 8
    wrong = resized.disparity_px * (1.5 if out_width == 160 else 160 / out_width)
    assert matching_error(resized.left, resized.right, wrong, resized.valid) > 16


def test_width_and_height_are_never_swapped() -> None:
    sample = shifted_pair(width=160, height=60)
    window = choose_window((160, 60), (160, 60))
    assert window == Window(0, 0, 160, 60, (160, 60))
    np.testing.assert_array_equal(cut(sample, window).disparity_px, sample.disparity_px)
    dataset = DisparityDataset(Samples([sample]), crop=(96, 32))
    assert dataset[0]["left"].shape == (3, 32, 96)


def test_a_crop_leaves_disparities_as_they_are() -> None:
    sample = shifted_pair()
    crop = cut(sample, choose_window((160, 60), (100, 40), at=(1.0, 1.0)))
    np.testing.assert_array_equal(crop.left, sample.left[20:, 60:])
    np.testing.assert_array_equal(crop.disparity_px, sample.disparity_px[20:, 60:])


def test_small_images_are_padded_without_labels() -> None:
    item = DisparityDataset(Samples([shifted_pair(64, 48)]), crop=(80, 64))[0]
    assert item["left"].shape == (3, 64, 80)
    assert not item["valid"][48:].any()
    assert not item["valid"][:, 64:].any()
    assert item["valid"][:48, 8:64].all()
    assert padded(shifted_pair(64, 48), (64, 48)).left.shape == (48, 64, 3)


def test_tensors_are_as_the_network_expects_them() -> None:
    item = DisparityDataset(Samples([shifted_pair()]))[0]
    assert item["left"].shape == item["right"].shape == (3, 60, 160)
    assert item["left"].dtype == torch.float32
    assert 0.9 < item["left"].max() <= 1.0
    assert item["valid"].dtype == torch.bool
    assert (item["disparity"][~item["valid"]] == 0).all()
    assert (item["disparity"][item["valid"]] == 8).all()


def test_augmented_pairs_still_match_at_their_label() -> None:
    settings = AugmentationSettings(brightness=0, asymmetry=0, noise=0, blur_px=0, vertical_px=0, eraser=0, scale=0.5)
    dataset = DisparityDataset(Samples([shifted_pair()]), (96, 40), augment=True, seed=3, augmentation=settings)
    seen = set()
    for epoch in range(6):
        dataset.set_epoch(epoch)
        item = dataset[0]
        left, right = (255 * item[view].numpy().transpose(1, 2, 0) for view in ("left", "right"))
        assert matching_error(left, right, item["disparity"].numpy(), item["valid"].numpy()) < 8
        seen.add(round(float(item["disparity"].max()), 3))
    assert len(seen) == 6
    assert min(seen) < 8 < max(seen)


def test_mirroring_swaps_the_views_and_takes_the_right_views_label() -> None:
    sample = shifted_pair()
    with pytest.raises(ValueError, match="label of its right view"):
        swap_flip(sample)
    right_px = np.full((60, 160), 8, np.float32)
    right_px[:, -8:] = np.nan
    flipped = swap_flip(dataclasses.replace(sample, right_disparity_px=right_px))
    np.testing.assert_array_equal(flipped.left, sample.right[:, ::-1])
    assert matching_error(flipped.left, flipped.right, flipped.disparity_px, flipped.valid) == 0
    assert (flipped.disparity_px[flipped.valid] > 0).all()


def test_without_a_right_label_no_pair_is_ever_mirrored() -> None:
    settings = AugmentationSettings(
        brightness=0, asymmetry=0, noise=0, blur_px=0, vertical_px=0, eraser=0, scale=0, stretch=0, swap_flip=1
    )
    sample = shifted_pair()
    item = DisparityDataset(Samples([sample]), augment=True, augmentation=settings)[0]
    np.testing.assert_allclose(255 * item["left"].numpy().transpose(1, 2, 0), sample.left, atol=1)


def test_photometry_keeps_grey_pairs_grey_and_changes_the_views_apart() -> None:
    grey = np.random.default_rng(0).integers(60, 180, (40, 60, 1), np.uint8).repeat(3, 2)
    left, right = vary_photometry(grey, grey, AugmentationSettings(eraser=0, vertical_px=0), np.random.default_rng(1))
    for view in (left, right):
        assert np.array_equal(view[..., 0], view[..., 1])
        assert np.array_equal(view[..., 0], view[..., 2])
    assert not np.array_equal(left, right)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_item_depends_on_seed_epoch_and_index_alone(workers: int) -> None:
    samples = Samples([shifted_pair(disparity=d) for d in (4, 8, 12)])
    dataset = DisparityDataset(samples, (64, 32), augment=True, seed=5)
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=1, num_workers=workers, persistent_workers=workers > 0, multiprocessing_context=None
    )
    epochs = []
    for epoch in (1, 2):
        dataset.set_epoch(epoch)
        epochs.append(torch.cat([batch["left"] for batch in loader]))
    again = DisparityDataset(samples, (64, 32), augment=True, seed=5)
    again.set_epoch(2)
    assert torch.equal(torch.stack([again[i]["left"] for i in range(3)]), epochs[1])
    assert not torch.equal(epochs[0], epochs[1])
    other_seed = DisparityDataset(samples, (64, 32), augment=True, seed=6)
    other_seed.set_epoch(2)
    assert not torch.equal(other_seed[0]["left"], epochs[1][0])


def test_a_full_cache_reads_each_sample_once_and_a_small_one_keeps_what_fits() -> None:
    source = Samples([shifted_pair(64, 48) for _ in range(4)])
    cache = CachedSamples(source)
    for _ in range(3):
        for i in range(4):
            np.testing.assert_array_equal(cache[i].left, source.samples[i].left)
    assert source.reads == 4
    one = cache.cached_bytes / 4
    small = CachedSamples(Samples(source.samples), limit_mb=2.5 * one / 1e6)
    for _ in range(3):
        for i in range(4):
            assert small[i].name == "plane"
    assert small.cached_bytes == 2 * one
    assert small.source.reads == 2 + 3 * 2  # type: ignore[attr-defined]


def test_the_weight_is_the_labels_confidence_and_one_where_nobody_says() -> None:
    sample = shifted_pair()
    assert (DisparityDataset(Samples([sample]))[0]["weight"] == 1).all()
    sure = np.full(sample.valid.shape, 0.25, np.float32)
    sure[:, 80:] = 0.75
    told = dataclasses.replace(sample, confidence=sure)
    item = DisparityDataset(Samples([told]), crop=(320, 120))[0]
    assert item["weight"].dtype == torch.float32
    assert item["weight"].shape == item["valid"].shape == (120, 320)
    assert set(np.unique(item["weight"][:60, :160])) == {0.25, 0.75}
    assert (item["weight"][60:] == 0).all(), "nothing is labelled where there is no picture"
    wider = cut(told, Window(0, 0, 160, 60, (320, 60)))
    assert wider.confidence is not None
    assert (wider.confidence[:, :160] == 0.25).all() and (wider.confidence[:, 160:] == 0.75).all()
    varied = DisparityDataset(Samples([told]), crop=(96, 48), augment=True)[0]
    assert set(np.unique(varied["weight"])) <= {0.0, 0.25, 0.75}
