"""The number format is measured, and measuring leaves no trace."""

from __future__ import annotations

import pytest
import torch

from depthstudio.training import precision
from depthstudio.training.precision import choose_precision
from tests.training.fixtures import tiny_network

CPU = torch.device("cpu")


def test_wishes_are_granted_without_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_pass_seconds", lambda *_, **__: pytest.fail("measured"))
    assert choose_precision(tiny_network(), CPU, "bf16").bf16
    assert not choose_precision(tiny_network(), CPU, "fp32").bf16


@pytest.mark.parametrize(("seconds_bf16", "chosen"), [(0.02, True), (0.1, False), (0.6, False)])
def test_bf16_is_taken_where_it_is_faster(seconds_bf16: float, chosen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_pass_seconds", lambda *_, bf16: seconds_bf16 if bf16 else 0.1)
    choice = choose_precision(tiny_network(), CPU, "auto")
    assert choice.bf16 is chosen and "times as fast" in choice.note


def test_measuring_changes_neither_weights_nor_statistics_nor_random_numbers() -> None:
    network = tiny_network().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    choose_precision(network, CPU, "auto")
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.training and all(parameter.grad is None for parameter in network.parameters())
