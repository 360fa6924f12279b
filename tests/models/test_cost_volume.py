"""The skewed correlation volume against a plain loop, and looking up values in it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from depthstudio.models import create_network
from depthstudio.models.cost_volume import correlation_volume, lookup, lookup_in_products, normalise_groups


def naive_volume(left: Tensor, right: Tensor, first: int, count: int) -> Tensor:
    batch, groups, height, width, _ = left.shape
    volume = torch.zeros(batch, groups, height, width, count)
    for index in range(count):
        for x in range(width):
            other = x - (first + index)
            if 0 <= other < width:
                volume[:, :, :, x, index] = (left[:, :, :, x] * right[:, :, :, other]).sum(-1)
    return volume


@pytest.mark.parametrize(("width", "first", "count"), [(12, 0, 5), (7, 0, 16), (9, -3, 12), (5, -2, 20)])
def test_skewed_volume_equals_a_loop(width: int, first: int, count: int) -> None:
    left, right = torch.randn(2, 2, 3, width, 4), torch.randn(2, 2, 3, width, 4)
    result = correlation_volume(left, right, first, count)
    torch.testing.assert_close(result, naive_volume(left, right, first, count))


def test_volume_of_shifted_texture_peaks_at_the_shift() -> None:
    torch.manual_seed(0)
    network = create_network("depthstudio-s").eval()
    wide = torch.rand(1, 3, 64, 320)
    left, right = wide[..., :256], wide[..., 32 : 256 + 32]
    with torch.inference_mode():
        features = network.encoder(torch.cat((left, right)) - 0.5)  # type: ignore[operator]
        split = normalise_groups(features.eighth, 1)
        volume = correlation_volume(split[:1], split[1:], 0, 16)
    peaks = volume[0, 0, :, 8:-8].argmax(-1)
    assert float((peaks == 4).float().mean()) > 0.9


def test_correlation_is_a_cosine() -> None:
    split = normalise_groups(torch.randn(1, 8, 2, 6), 2)
    volume = correlation_volume(split, split, 0, 3)
    torch.testing.assert_close(volume[..., 0], torch.ones(1, 2, 2, 6), atol=1e-4, rtol=0)
    assert float(volume.abs().max()) <= 1 + 1e-5


def test_lookup_interpolates() -> None:
    radius = 2
    values = torch.randn(2, 3, 4, 5, 16 + 2 * radius + 2)
    whole, between, next_one = (lookup(values, torch.full((2, 4, 5), at), radius) for at in (3.0, 3.25, 4.0))
    assert whole.shape == (2, 3 * 5, 4, 5)
    torch.testing.assert_close(whole[:, :5], values[:, 0, :, :, 3:8].permute(0, 3, 1, 2))
    torch.testing.assert_close(between, 0.75 * whole + 0.25 * next_one)
    beyond = lookup(values, torch.full((2, 4, 5), 99.0), radius)
    torch.testing.assert_close(beyond[:, :5], values[:, 0, :, :, 16:21].permute(0, 3, 1, 2))


def test_looking_up_in_the_bare_products_gives_the_same_values() -> None:
    radius, size = 2, 16 + 2 * 2 + 2
    left, right = (normalise_groups(torch.randn(2, 8, 3, 12), 2) for _ in range(2))
    position = torch.rand(2, 3, 12) * 20 - 2  # beyond both ends too
    expected = lookup(correlation_volume(left, right, -radius, size), position, radius)
    torch.testing.assert_close(lookup_in_products(left @ right.transpose(-1, -2), position, radius, size), expected)
