"""Reading and writing networks, including the reference's old files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from depthstudio.errors import NetworkError
from depthstudio.models import bundled_networks, create_network, load_network, resolve_network, save_network
from depthstudio.models.checkpoint import FORMAT
from depthstudio.resources import resource_path, shipped_networks
from depthstudio.workspace import Workspace

TINY: dict[str, Any] = {
    "channels": (8, 8, 16, 16, 16),
    "match": 16,
    "fine_match": 8,
    "aggregation": (8, 8, 8),
    "hidden": 8,
    "max_disparity": 64,
}


def reference_state(dropout: bool, seed: int = 3) -> dict[str, Tensor]:
    """A state dict of the reference network, from before or after dropout existed."""
    torch.manual_seed(seed)
    network = create_network("siamese", dropout_p=0.2 if dropout else 0.0)
    return {name: value.clone() for name, value in network.state_dict().items()}


def predicted(network: torch.nn.Module) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    left = torch.rand(1, 3, 32, 48, generator=generator)
    with torch.inference_mode():
        return network.eval()(left, left.flip(-1)).disparity  # type: ignore[no-any-return]


def test_own_file_keeps_weights_options_and_metadata(tmp_path: Path) -> None:
    network = create_network("depthstudio-s", **TINY)
    network(torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64))
    save_network(network, tmp_path / "n.safetensors", {"steps": 7})
    loaded = load_network(tmp_path / "n.safetensors")
    assert loaded.network.options == network.options
    assert loaded.metadata == {"steps": 7}
    torch.testing.assert_close(predicted(loaded.network), predicted(network))


def test_half_precision_file_is_smaller_and_close(tmp_path: Path) -> None:
    torch.manual_seed(0)  # where two scores of a network that learned nothing are equal, rounding decides
    network = create_network("depthstudio-s", **TINY)
    save_network(network, tmp_path / "full.safetensors", {})
    save_network(network, tmp_path / "half.safetensors", {}, torch.float16)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.7 * (tmp_path / "full.safetensors").stat().st_size
    loaded = load_network(tmp_path / "half.safetensors").network
    assert next(loaded.parameters()).dtype == torch.float32
    torch.testing.assert_close(predicted(loaded), predicted(network), atol=0.5, rtol=0.05)


def test_reference_names_are_the_reference_s() -> None:
    names = set(create_network("siamese").state_dict())
    for name in (
        "encoder_layer_1.0.weight",
        "encoder_layer_1.1.running_var",
        "encoder_layer_2.1.0.conv1.weight",
        "encoder_layer_2.1.1.bn2.bias",
        "encoder_layer_3.0.downsample.0.weight",
        "encoder_layer_3.0.downsample.1.num_batches_tracked",
        "decoder_layer1.4.weight",
        "decoder_layer3.1.running_mean",
        "final.bias",
    ):
        assert name in names
    assert "decoder_layer1.3.weight" in create_network("siamese", dropout_p=0.0).state_dict()


@pytest.mark.parametrize("dropout", [True, False], ids=["with dropout", "before dropout"])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("nested", [None, "state_dict", "model"])
def test_reference_checkpoints_of_every_kind(tmp_path: Path, dropout: bool, prefix: str, nested: str | None) -> None:
    state = reference_state(dropout)
    written: Any = {prefix + name: value for name, value in state.items()}
    torch.save({nested: written, "epoch": 8} if nested else written, tmp_path / "old.pth")
    loaded = load_network(tmp_path / "old.pth")
    original = create_network("siamese", dropout_p=0.2 if dropout else 0.0)
    original.load_state_dict(state)
    torch.testing.assert_close(predicted(loaded.network), predicted(original))
    text = "\n".join(loaded.report.lines())
    assert ("index 3 to 4" in text) is not dropout
    assert ("module." in text) is bool(prefix)


def test_a_partial_fit_is_refused_and_named(tmp_path: Path) -> None:
    state = reference_state(True)
    state["extra.weight"] = torch.zeros(1)
    del state["final.bias"]
    state["final.weight"] = torch.zeros(2, 32, 3, 3)
    torch.save(state, tmp_path / "odd.pth")
    with pytest.raises(NetworkError) as caught:
        load_network(tmp_path / "odd.pth")
    for part in ("1 missing: final.bias", "1 unexpected: extra.weight", "final.weight is (2, 32, 3, 3)"):
        assert part in str(caught.value)


def test_half_moved_decoders_are_refused(tmp_path: Path) -> None:
    state = reference_state(True)
    state["decoder_layer1.3.weight"] = state.pop("decoder_layer1.4.weight")
    torch.save(state, tmp_path / "odd.pth")
    with pytest.raises(NetworkError, match=r"decoder_layer1\.3\.weight"):
        load_network(tmp_path / "odd.pth")


class _Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch /tmp/depthstudio_was_here",)


def test_a_pickle_with_code_is_refused_without_running_it(tmp_path: Path) -> None:
    torch.save({"model": _Evil()}, tmp_path / "evil.pth")
    with pytest.raises(NetworkError, match="run code"):
        load_network(tmp_path / "evil.pth")
    assert not Path("/tmp/depthstudio_was_here").exists()


@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
@pytest.mark.parametrize("content", [b"", b"hello, this is no checkpoint"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NetworkError):
        load_network(tmp_path / name)


def test_a_picture_is_called_a_picture_and_not_dangerous(tmp_path: Path) -> None:
    (tmp_path / "left.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with pytest.raises(NetworkError, match=r"left\.png is not a checkpoint\. It is a PNG image\."):
        load_network(tmp_path / "left.png")


def test_names_resolve_to_files(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    run = workspace.runs / "20260101_first"
    save_network(create_network("depthstudio-s", **TINY), run / "best.safetensors", {})
    save_network(create_network("depthstudio-s", **TINY), workspace.networks / "mine.safetensors", {})
    assert resolve_network(str(run), workspace) == run / "best.safetensors"
    assert resolve_network("20260101_first", workspace) == run / "best.safetensors"
    assert resolve_network("mine", workspace) == workspace.networks / "mine.safetensors"
    with pytest.raises(NetworkError, match="no network 'other'"):
        resolve_network("other", workspace)


def test_a_file_of_an_older_structure_says_so_and_what_to_do(tmp_path: Path) -> None:
    net = create_network("depthstudio-s", channels=(8, 8, 8, 8, 8), match=8, groups=2, fine_match=8)
    path = tmp_path / "old.safetensors"
    removed = {name: value for name, value in net.state_dict().items() if "upsample" not in name}
    header = {"format": FORMAT, "network": net.name, "options": json.dumps(net.options), "metadata": "{}"}
    save_file(removed, path, header)
    with pytest.raises(NetworkError, match="made by an older version") as caught:
        load_network(path)
    assert "upsample" in caught.value.why and "Fine-tune again" in caught.value.next_step
    save_file(removed, path, {**header, "options": json.dumps({"no_longer_there": 1})})
    with pytest.raises(NetworkError, match="made by an older version"):
        load_network(path)


@pytest.mark.parametrize("entry", ["options", "metadata"])
@pytest.mark.parametrize("value", ["[1]", "{", "7"])
def test_a_broken_header_is_named(tmp_path: Path, entry: str, value: str) -> None:
    header = {"format": FORMAT, "network": "siamese", "options": "{}", "metadata": "{}", entry: value}
    save_file({"final.bias": torch.zeros(1)}, tmp_path / "odd.safetensors", header)
    with pytest.raises(NetworkError, match="broken header"):
        load_network(tmp_path / "odd.safetensors")


def test_a_file_of_numbered_tensors_is_no_state_dict(tmp_path: Path) -> None:
    torch.save({0: torch.zeros(1)}, tmp_path / "numbered.pth")
    with pytest.raises(NetworkError, match="holds no state dict"):
        load_network(tmp_path / "numbered.pth")


def test_every_shipped_network_is_listed_with_its_purpose_and_its_card_and_the_default_comes_first() -> None:
    purposes = shipped_networks()
    folder = resource_path("networks")
    assert set(purposes) == {path.stem for path in folder.glob("*.safetensors")}
    assert all(purposes.values()) and all((folder / f"{name}.md").is_file() for name in purposes)
    assert next(iter(purposes)) == "depthstudio-s"
    assert [path.stem for path in bundled_networks()] == list(purposes)
