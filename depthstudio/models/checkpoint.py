"""Networks as files: our own safetensors with name and options in the header, and the reference's .pth."""

from __future__ import annotations

import json
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from depthstudio.errors import NetworkError
from depthstudio.models.base import StereoNetwork
from depthstudio.models.registry import create_network
from depthstudio.resources import resource_path, shipped_networks
from depthstudio.storage import atomic_path
from depthstudio.workspace import Workspace

FORMAT = "depthstudio-network-1"
OWN_KIND = "depthstudio safetensors"
_NESTED_UNDER = ("state_dict", "model_state_dict", "model")
_DECODER_KEY = re.compile(r"^(decoder_layer[123])\.([34])\.(weight|bias)$")
_NAMES_SHOWN = 6
# How a file of torch.save begins: a zip archive, or, before PyTorch 1.6, a pickle.
_TORCH_BEGINNINGS = (b"PK\x03\x04", b"\x80")
_OTHER_BEGINNINGS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x93NUMPY": "a .npy array",
    b"%PDF": "a PDF",
}


@dataclass(frozen=True)
class LoadReport:
    """What a file held and how it was fitted to the network."""

    path: Path
    kind: str
    network: str
    tensors: int
    parameters: int
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """For people: the file, what was loaded, and every adaptation made."""
        loaded = f"{self.network}: {self.tensors} tensors, {self.parameters / 1e6:.2f} M parameters, all loaded"
        return [f"{self.path.name} ({self.kind})", loaded, *self.notes]


@dataclass(frozen=True)
class LoadedNetwork:
    """A network with its weights, in evaluation mode on the CPU."""

    network: StereoNetwork
    report: LoadReport
    metadata: dict[str, Any] = field(default_factory=dict)


def save_network(
    network: StereoNetwork, path: Path, metadata: Mapping[str, Any], dtype: torch.dtype | None = None
) -> None:
    """Write `network` atomically as .safetensors.

    metadata: JSON-able facts about its making, read back by load_network. dtype: store floating tensors in this type
    (torch.float16 halves the file); None keeps theirs.
    """
    tensors = {
        name: value.detach().to("cpu", dtype if value.is_floating_point() else None).contiguous()
        for name, value in network.state_dict().items()
    }
    header = {
        "format": FORMAT,
        "network": network.name,
        "options": json.dumps(network.options),
        "metadata": json.dumps(dict(metadata)),
    }
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, header)


def load_network(path: Path | str) -> LoadedNetwork:
    """Read a network written by save_network, or a reference checkpoint (.pth) of SiameseStereoNet.

    Raises NetworkError when the file is missing, holds something else, holds code, or does not fit completely.
    """
    path = Path(path)
    if not path.is_file():
        raise NetworkError(f"There is no network file {path}.", next_step="Check the path, or choose another network.")
    return _load_own(path) if path.suffix == ".safetensors" else _load_reference(path)


def bundled_networks() -> list[Path]:
    """The networks shipped with the program, the default first."""
    return [resource_path("networks") / f"{name}.safetensors" for name in shipped_networks()]


def resolve_network(spec: str, workspace: Workspace | None = None) -> Path:
    """The file that `spec` means: a path, a run folder, a bundled network's name, or a name in the workspace.

    Raises NetworkError when nothing fits.
    """
    given = Path(spec).expanduser()
    candidates = [given, given / "best.safetensors", resource_path("networks") / f"{spec}.safetensors"]
    if workspace is not None:
        candidates += [workspace.runs / spec / "best.safetensors"]
        candidates += [workspace.networks / f"{spec}{suffix}" for suffix in ("", ".safetensors", ".pth", ".pt")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    bundled = ", ".join(path.stem for path in bundled_networks()) or "none"
    raise NetworkError(f"There is no network '{spec}'.", next_step=f"Give a file, a run folder or a name ({bundled}).")


def _load_own(path: Path) -> LoadedNetwork:
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise NetworkError(f"{path} cannot be read.", str(error), "The file may be damaged; copy it again.") from error
    if header.get("format") != FORMAT:
        raise NetworkError(f"{path} is not a network of this program.", "Its header names no network.")
    try:
        name, options = header["network"], json.loads(header["options"])
        metadata = json.loads(header["metadata"])
        if not (isinstance(options, dict) and isinstance(metadata, dict)):
            raise TypeError("options and metadata must be objects")
    except (KeyError, ValueError, TypeError) as error:
        raise NetworkError(f"{path} has a broken header.", repr(error), "Copy the file again.") from error
    try:
        network = create_network(name, **options)
    except NetworkError as error:
        if isinstance(error.__cause__, TypeError):  # an option that this version's network does not take
            raise _made_by_an_older_version(path, name, error.why) from error
        raise
    return _fill(network, state, path, kind=OWN_KIND, metadata=metadata)


def _made_by_an_older_version(path: Path, name: str, reason: str) -> NetworkError:
    """Networks keep their name when their structure is improved; files of the structure before do not fit any more."""
    return NetworkError(
        f"{path.name} was made by an older version of DepthStudio; nothing was loaded.",
        f"The structure of '{name}' has changed since: {reason}.",
        f"Fine-tune again from the '{name}' that is shipped now, or use the file with the version that made it.",
    )


def _load_reference(path: Path) -> LoadedNetwork:
    state, notes = _read_state_dict(path)
    if all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): value for name, value in state.items()}
        notes.append("removed the prefix 'module.' of DataParallel")
    found = {match[2] for name in state if (match := _DECODER_KEY.match(name))}
    if found == {"3"}:
        state = {_DECODER_KEY.sub(r"\1.4.\3", name): value for name, value in state.items()}
        notes.append("saved before dropout existed: transposed convolutions moved from index 3 to 4")
    return _fill(create_network("siamese"), state, path, kind="reference checkpoint", notes=tuple(notes))


def _check_beginning(path: Path) -> None:
    """NetworkError for a file that torch.save cannot have written, before the unpickler calls it dangerous."""
    with path.open("rb") as file:
        beginning = file.read(8)
    if beginning.startswith(_TORCH_BEGINNINGS):
        return
    kinds = [kind for start, kind in _OTHER_BEGINNINGS.items() if beginning.startswith(start)]
    raise NetworkError(
        f"{path} is not a checkpoint.",
        f"It is {kinds[0]}." if kinds else "It was not written by torch.save.",
        "Choose a .safetensors or .pth file, a run, or a network by name.",
    )


def _read_state_dict(path: Path) -> tuple[dict[str, Tensor], list[str]]:
    _check_beginning(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols, to nobody's use
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise NetworkError(
            f"{path} was not loaded: it holds more than weights.",
            "Opening such a file would run code from it.",
            "Save it again as a plain state dict: torch.save(model.state_dict(), path).",
        ) from error
    except Exception as error:  # bytes that are no pickle fail in many ways inside the unpickler
        raise NetworkError(f"{path} is not a checkpoint.", f"{type(error).__name__} while reading it.") from error
    notes: list[str] = []
    for key in _NESTED_UNDER:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            notes.append(f"weights taken from the entry '{key}'")
            break
    if not isinstance(content, dict) or not content or not all(map(_is_entry, content.items())):
        raise NetworkError(f"{path} holds no state dict.", next_step="Expected names mapped to tensors.")
    return dict(content), notes


def _is_entry(entry: tuple[Any, Any]) -> bool:
    return isinstance(entry[0], str) and isinstance(entry[1], Tensor)


def _fill(
    network: StereoNetwork,
    state: dict[str, Tensor],
    path: Path,
    *,
    kind: str,
    metadata: dict[str, Any] | None = None,
    notes: tuple[str, ...] = (),
) -> LoadedNetwork:
    own = network.state_dict()
    # Files from before PyTorch 0.4.1 lack the counters; they play no part in what the network computes.
    absent = {name for name in own if name.endswith("num_batches_tracked") and name not in state}
    missing = sorted(own.keys() - state.keys() - absent)
    unexpected = sorted(state.keys() - own.keys())
    shapes = [
        f"{name} is {tuple(state[name].shape)}, not {tuple(own[name].shape)}"
        for name in sorted(own.keys() & state.keys())
        if own[name].shape != state[name].shape
    ]
    problems = [
        f"{len(names)} {label}: {', '.join(names[:_NAMES_SHOWN])}{' ...' if len(names) > _NAMES_SHOWN else ''}"
        for label, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
        if names
    ]
    if problems and kind == OWN_KIND:
        raise _made_by_an_older_version(path, network.name, "; ".join(problems))
    if problems:
        raise NetworkError(
            f"{path.name} does not fit the network '{network.name}'; nothing was loaded.",
            "; ".join(problems) + ".",
            "Choose a checkpoint that was made by this network.",
        )
    for name, value in state.items():
        if not bool(torch.isfinite(value).all()):
            raise NetworkError(f"{path.name} holds values that are not finite.", f"First in {name}.")
    network.load_state_dict({name: state.get(name, own[name]) for name in own})
    count = sum(parameter.numel() for parameter in network.parameters())
    report = LoadReport(path, kind, network.name, len(state), count, notes)
    return LoadedNetwork(network.eval(), report, metadata or {})
