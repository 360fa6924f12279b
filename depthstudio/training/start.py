"""The network a run starts from: shipped, an earlier run's, a checkpoint file, or fresh."""

from __future__ import annotations

from depthstudio.errors import NetworkError
from depthstudio.inference.reach import set_max_disparity
from depthstudio.models import StereoNetwork, create_network, load_network, network_names, resolve_network
from depthstudio.training.settings import TrainingSettings
from depthstudio.workspace import Workspace


def start_network(
    settings: TrainingSettings, workspace: Workspace | None = None
) -> tuple[StereoNetwork, tuple[str, ...]]:
    """The network that `settings.network` means, with the dropout and largest disparity of the settings.

    Returns it with lines for people: what was loaded and adapted. NetworkError when it cannot be found or loaded.
    """
    network, lines = _found(settings.network, workspace)
    if network.options.get("dropout_p", settings.dropout_p) != settings.dropout_p:
        network = _with_dropout(network, settings.dropout_p)
    if settings.max_disparity:
        set_max_disparity(network, settings.max_disparity)
    return network, lines


def _found(spec: str, workspace: Workspace | None) -> tuple[StereoNetwork, tuple[str, ...]]:
    try:
        loaded = load_network(resolve_network(spec, workspace))
    except NetworkError:
        if spec not in network_names():
            raise
        return create_network(spec), (f"{spec} starts from random weights: no pretrained file of it is here.",)
    return loaded.network, tuple(loaded.report.lines())


def _with_dropout(network: StereoNetwork, dropout_p: float) -> StereoNetwork:
    """The same weights with another dropout; dropout shifts the layers' numbers but not their order."""
    other = create_network(network.name, **{**network.options, "dropout_p": dropout_p})
    other.load_state_dict(dict(zip(other.state_dict(), network.state_dict().values(), strict=True)))
    return other
