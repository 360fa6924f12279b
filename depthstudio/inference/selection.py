"""Which backend runs a network: the one wished for, or the fastest that works; torch whenever another one does not."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Iterator

import numpy as np

from depthstudio.errors import SettingsError, UserError
from depthstudio.frames import Image
from depthstudio.inference.backend import Backend, BackendOutput, TorchBackend
from depthstudio.inference.choice_cache import Choice, choice_key, remember, remembered
from depthstudio.inference.compiled import OnnxRuntimeBackend, OpenVinoBackend, openvino_precisions
from depthstudio.inference.onnx_graph import OnnxSource
from depthstudio.inference.probe import probe_pair
from depthstudio.models import StereoNetwork

AUTO = "auto"
BACKENDS = ("torch", "onnxruntime", "openvino", "openvino-bf16", "openvino-fp16")
_ROUNDS = 5
_MEASURE_S = 4.0
_STEADY = 1.4  # median over least time; more, and other work decided
_PROBE_DISPARITY_PX = 64
# The 95th percentile of the difference from torch that auto accepts, px.
_AGREEMENT_PX = {"fp32": 0.05, "bf16": 0.25, "fp16": 0.25}
_log = logging.getLogger(__name__)


class SelectedBackend:
    """The backend wished for, one of BACKENDS or "auto".

    auto measures each one for a moment the first time a size is prepared or run, and remembers the result on disk when
    the machine was quiet. It leaves out what is missing, what fails and what disagrees with torch; a remembered reduced
    precision is compared again, for what it costs in exactness depends on the weights. On a GPU it means torch.
    `notes` says in sentences what was chosen, what cannot be used, and why. SettingsError for an unknown wish.
    """

    def __init__(
        self, network: StereoNetwork, wish: str = "torch", device: str = "auto", threads: int | None = None
    ) -> None:
        if wish not in (AUTO, *BACKENDS):
            raise SettingsError(f"There is no backend '{wish}'.", next_step=f"Use {', '.join((AUTO, *BACKENDS))}.")
        self.notes: list[str] = []
        self._network = network
        self._threads = threads
        self._torch = TorchBackend(network, device, threads)
        self._source = OnnxSource(network)
        self._active: Backend = self._torch
        self._chosen_for: tuple[object, ...] | None = None
        self._choice_key = ""
        self._auto = wish == AUTO and self._torch.device.type == "cpu"
        if wish not in (AUTO, "torch"):
            self._use(wish)

    @property
    def name(self) -> str:
        """See Backend.name."""
        return self._active.name

    @property
    def precision(self) -> str:
        """See Backend.precision."""
        return self._active.precision

    def prepare(self, size: tuple[int, int]) -> None:
        """See Backend.prepare; auto chooses here."""
        if self._auto:
            self._choose(size)
        try:
            self._active.prepare(size)
        except Exception as error:
            self._fall_back(error)
            self._torch.prepare(size)

    def run(self, left: Image, right: Image) -> BackendOutput:
        """See Backend.run. A compiled backend that fails is replaced by torch, for good."""
        if self._auto:
            self._choose((left.shape[1], left.shape[0]))
        try:
            return self._active.run(left, right)
        except Exception as error:
            self._fall_back(error)
            return self._torch.run(left, right)

    def _choose(self, size: tuple[int, int]) -> None:
        if self._chosen_for == (*size, self._source.max_disparity):
            return
        self._chosen_for = (*size, self._source.max_disparity)
        key = self._choice_key = choice_key(self._network, size, self._threads)
        choice = remembered(key)
        if choice is None or choice.backend not in BACKENDS:
            choice, is_steady = self._measure(size)
            if is_steady:
                remember(key, choice)
        else:
            self._use(choice.backend)
            self._check_precision(size)
        self._note(choice.sentence())

    def _check_precision(self, size: tuple[int, int]) -> None:
        """Torch instead of a reduced precision that these weights do not bear; it stays remembered for others."""
        if self._active.precision == "fp32":
            return
        pair = probe_pair(size, _PROBE_DISPARITY_PX)
        try:
            _require_agreement(self._active, self._active.run(*pair), self._torch.run(*pair))
        except Exception as error:
            self._note(f"{_failure(self._active.name, error)} Using torch instead.")
            self._active = self._torch

    def _measure(self, size: tuple[int, int]) -> tuple[Choice, bool]:
        """The fastest, and whether the machine was quiet enough for it to hold another day."""
        left, right = probe_pair(size, _PROBE_DISPARITY_PX)
        expected = self._torch.run(left, right)
        working: dict[str, Backend] = {"torch": self._torch}
        for name in self._candidates():
            try:
                backend = self._create(name)
                _require_agreement(backend, backend.run(left, right), expected)
            except Exception as error:
                self._note(_failure(name, error))
            else:
                working[name] = backend
        rounds_ms = _rounds_ms(working, left, right)
        times_ms = {name: round(min(rounds), 2) for name, rounds in rounds_ms.items()}
        fastest = min(times_ms, key=lambda name: times_ms[name])
        self._active = working[fastest]
        is_steady = statistics.median(rounds_ms[fastest]) <= _STEADY * min(rounds_ms[fastest])
        return Choice(fastest, times_ms), is_steady

    def _candidates(self) -> Iterator[str]:
        """Reduced precision only where the CPU has it: emulated it is slower and less exact."""
        yield from ("onnxruntime", "openvino")
        try:
            reduced = [precision for precision in openvino_precisions() if precision != "fp32"]
        except UserError:
            return  # the note about the backend itself says why
        yield from (f"openvino-{precision}" for precision in reduced)

    def _create(self, name: str) -> Backend:
        if name == "torch":
            return self._torch
        if name == "onnxruntime":
            return OnnxRuntimeBackend(self._source, self._threads)
        return OpenVinoBackend(self._source, self._threads, name.removeprefix("openvino").lstrip("-") or "fp32")

    def _use(self, name: str) -> None:
        try:
            self._active = self._create(name)
        except Exception as error:
            self._fall_back(error, name)

    def _fall_back(self, error: Exception, name: str = "") -> None:
        """Torch from now on; without anything to fall back to, the error goes on."""
        if self._active is self._torch and not name:
            raise error
        if self._choice_key:
            remember(self._choice_key, None)
        self._note(f"{_failure(name or self._active.name, error)} Using torch instead.")
        self._active = self._torch

    def _note(self, sentence: str) -> None:
        _log.info(sentence)
        if sentence not in self.notes:
            self.notes.append(sentence)


def _failure(name: str, error: Exception) -> str:
    reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    return f"{name} was left out: {reason.strip().splitlines()[0][:300]}"


def _require_agreement(backend: Backend, output: BackendOutput, expected: BackendOutput) -> None:
    difference_px = float(np.percentile(np.abs(output.disparity_px - expected.disparity_px), 95))
    limit_px = _AGREEMENT_PX[backend.precision]
    if not difference_px <= limit_px:
        raise ArithmeticError(f"it differs from torch by {difference_px:.2f} px, more than {limit_px} px")


def _rounds_ms(backends: dict[str, Backend], left: Image, right: Image) -> dict[str, list[float]]:
    """Some runs of each, in turns. The least disturbed one counts: a median tells what else the machine did."""
    times: dict[str, list[float]] = {name: [] for name in backends}
    deadline = time.perf_counter() + _MEASURE_S
    for round_number in range(_ROUNDS):
        if round_number > 1 and time.perf_counter() > deadline:
            break
        for name, backend in backends.items():
            started = time.perf_counter()
            backend.run(left, right)
            times[name].append((time.perf_counter() - started) * 1000.0)
    return times
