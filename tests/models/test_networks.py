"""Every network: shapes, padding, run-time range, freezing, learning."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from depthstudio.errors import NetworkError
from depthstudio.models import StereoNetwork, create_network, network_names
from depthstudio.models.volume_network import VolumeStereoNetwork, finer

TINY: dict[str, Any] = {
    "channels": (8, 8, 16, 16, 16),
    "match": 16,
    "fine_match": 8,
    "aggregation": (8, 8, 8),
    "hidden": 8,
    "max_disparity": 64,
}


def tiny() -> StereoNetwork:
    torch.manual_seed(0)
    return create_network("depthstudio-s", **TINY)


@pytest.mark.parametrize("name", network_names())
def test_output_has_the_size_of_an_odd_sized_input(name: str) -> None:
    network = create_network(name).eval()
    left, right = torch.rand(2, 3, 37, 70), torch.rand(2, 3, 37, 70)
    with torch.inference_mode():
        prediction = network(left, right)
    assert prediction.disparity.shape == (2, 37, 70)
    assert prediction.disparity.dtype == torch.float32
    assert bool((prediction.disparity >= 0).all())
    if name != "siamese":
        assert prediction.confidence is not None
        assert prediction.confidence.shape == (2, 37, 70)
        assert bool(((prediction.confidence >= 0) & (prediction.confidence <= 1)).all())


def test_an_unknown_name_and_a_bad_option_are_refused() -> None:
    with pytest.raises(NetworkError, match="Known are"):
        create_network("resnet")
    with pytest.raises(NetworkError, match="dropout_p"):
        create_network("siamese", dropout_p=0.7)


def test_a_finer_network_is_the_same_one_on_enlarged_images() -> None:
    coarse = tiny().eval()
    assert isinstance(coarse, VolumeStereoNetwork)
    torch.nn.init.normal_(coarse.step.correction.weight, std=0.1)
    fine = finer(coarse, "depthstudio-m").eval()
    left, right = torch.rand(1, 3, 48, 80), torch.rand(1, 3, 48, 80)
    twice = [F.interpolate(image, scale_factor=2.0, mode="bilinear") for image in (left, right)]
    coarse.max_disparity = 128  # type: ignore[assignment]
    with torch.inference_mode():
        seen, enlarged = fine(left, right), coarse(*twice)
    assert seen.volume_stride == 4 and enlarged.volume_stride == 8
    for name in ("scores", "volume", "step_0"):
        scale = 1 if name == "scores" else 0.5
        torch.testing.assert_close(seen.auxiliary[name], scale * enlarged.auxiliary[name], rtol=1e-4, atol=1e-3)
    mean = F.avg_pool2d(enlarged.disparity, 2) / 2
    assert float((seen.disparity - mean).abs().median()) < 0.05
    with pytest.raises(ValueError, match="already"):
        finer(fine, "twice")


def test_max_disparity_changes_at_run_time() -> None:
    network = tiny().eval()
    pair = torch.rand(1, 3, 32, 96), torch.rand(1, 3, 32, 96)
    with torch.inference_mode():
        assert network(*pair).auxiliary["scores"].shape[1] == 8
        network.max_disparity = 100  # type: ignore[assignment]
        assert network.max_disparity == 128
        assert network(*pair).auxiliary["scores"].shape[1] == 16
    with pytest.raises(ValueError, match="320"):
        network.max_disparity = 321  # type: ignore[assignment]


@pytest.mark.parametrize("name", ["siamese", "depthstudio-s", "siamese-volume"])
def test_a_frozen_encoder_stays_as_it_is_while_the_rest_learns(name: str) -> None:
    network = create_network(name)
    network.freeze_encoder()
    network.train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    frozen = {
        f"{prefix}.{key}"
        for prefix, module in network.named_modules()
        if module in network.encoder_modules()
        for key in module.state_dict()
    }
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    network(torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)).disparity.sum().backward()
    optimiser.step()
    after = network.state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert frozen
    assert any("running_mean" in key for key in frozen)
    assert not changed & frozen
    assert changed


@pytest.mark.parametrize("name", network_names())
def test_parameter_groups_are_disjoint_and_complete(name: str) -> None:
    network = create_network(name)
    groups = network.parameter_groups()
    listed = [id(parameter) for group in groups.values() for parameter in group]
    assert len(listed) == len(set(listed))
    assert set(listed) == {id(parameter) for parameter in network.parameters()}
    assert {id(p) for p in groups["encoder"]} == {id(p) for p in network.encoder_parameters()}


def test_the_graph_for_export_gives_the_same_disparity() -> None:
    network = tiny().eval()
    pair = torch.rand(1, 3, 64, 96), torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        expected = network(*pair)
        network.exporting = True  # type: ignore[assignment]
        found = network(*pair)
    torch.testing.assert_close(found.disparity, expected.disparity, atol=1e-3, rtol=0)
    torch.testing.assert_close(found.confidence, expected.confidence, atol=1e-3, rtol=0)


def test_a_tiny_network_learns_one_pair() -> None:
    network = tiny().train()
    generator = torch.Generator().manual_seed(1)
    wide = torch.rand(1, 3, 64, 192, generator=generator)
    shift = 12
    left, right = wide[..., : 192 - 32], wide[..., shift : 192 - 32 + shift]
    truth = torch.full((1, 64, 160), float(shift))
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    errors = []
    for _ in range(40):
        prediction = network(left, right)
        scores = prediction.auxiliary["scores"]
        target = torch.full((1, scores.shape[2], scores.shape[3]), round(shift / 8), dtype=torch.long)
        error = (prediction.disparity - truth)[..., 32:].abs().mean()
        loss = error + torch.nn.functional.cross_entropy(scores, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(error.item())
    assert errors[-1] < 0.5 * errors[0]
    assert errors[-1] < 2.0
