"""Every backend computes what torch computes; one that is missing or fails is replaced by torch, with a note."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from depthstudio.errors import NetworkError, SettingsError
from depthstudio.inference import Predictor, compiled, selection
from depthstudio.inference.backend import BackendOutput, TorchBackend
from depthstudio.inference.choice_cache import choice_key, remembered
from depthstudio.inference.compiled import OnnxRuntimeBackend, OpenVinoBackend
from depthstudio.inference.onnx_graph import OnnxSource
from depthstudio.inference.probe import probe_pair
from depthstudio.inference.selection import SelectedBackend
from depthstudio.models import StereoNetwork, create_network

SIZE = (90, 65)  # nothing that a network likes


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DEPTHSTUDIO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(selection, "_STEADY", float("inf"))
    compiled._openvino_core.cache_clear()
    yield tmp_path / "cache" / "backends.json"
    compiled._openvino_core.cache_clear()


def network(seed: int = 0) -> StereoNetwork:
    torch.manual_seed(seed)
    net = create_network("depthstudio-s", channels=(8, 8, 8, 8, 8), match=8, groups=2, fine_match=8, max_disparity=32)
    for name, weights in net.named_parameters():
        if name in ("aggregation.score.weight", "step.correction.weight"):
            torch.nn.init.normal_(weights, std=0.3)
    return net


def hide(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.parametrize(("module", "kind"), [("onnxruntime", OnnxRuntimeBackend), ("openvino", OpenVinoBackend)])
def test_a_compiled_backend_answers_like_torch_also_after_size_and_range_changed(module: str, kind: type) -> None:
    pytest.importorskip(module)
    net = network()
    reference, backend = TorchBackend(net, "cpu"), kind(OnnxSource(net), threads=1)
    for size, max_disparity in ((SIZE, 32), ((64, 96), 32), ((64, 96), 64)):
        net.max_disparity = max_disparity  # type: ignore[assignment]
        pair = probe_pair(size, 16)
        answer, expected = backend.run(*pair), reference.run(*pair)
        assert answer.disparity_px.shape == (size[1], size[0]) and answer.disparity_px.dtype == np.float32
        assert np.percentile(np.abs(answer.disparity_px - expected.disparity_px), 99) < 0.05
        assert answer.confidence is not None and expected.confidence is not None
        np.testing.assert_allclose(np.median(np.abs(answer.confidence - expected.confidence)), 0, atol=1e-3)


def test_an_answer_is_not_overwritten_by_the_next_one() -> None:
    pytest.importorskip("openvino")
    backend = OpenVinoBackend(OnnxSource(network()))
    left, right = probe_pair(SIZE, 16)
    first = backend.run(left, right).disparity_px
    kept = first.copy()
    backend.run(right, left)
    assert np.array_equal(first, kept)


def test_the_network_without_a_cost_volume_runs_too() -> None:
    pytest.importorskip("onnxruntime")
    net = create_network("siamese")
    pair = probe_pair((48, 40), 8)
    answer = OnnxRuntimeBackend(OnnxSource(net)).run(*pair)
    assert answer.confidence is None
    np.testing.assert_allclose(answer.disparity_px, TorchBackend(net, "cpu").run(*pair).disparity_px, atol=0.01)


def test_a_missing_backend_is_replaced_by_torch_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "openvino")
    predictor = Predictor(network(), device="cpu", backend="openvino")
    assert predictor.name == "depthstudio-s (torch cpu fp32)"
    (note,) = predictor.notes
    assert "OpenVINO cannot be used here" in note and "pip install openvino" in note and "torch instead" in note
    predictor.predict(*probe_pair(SIZE, 16))


def test_a_backend_that_fails_is_replaced_by_torch_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    predictor = Predictor(network(), device="cpu", backend="onnxruntime")
    assert predictor.notes == [] and predictor.precision == "fp32"

    def broken(*_: object) -> None:
        raise RuntimeError("unsupported instruction")

    monkeypatch.setattr(compiled, "onnxruntime_program", broken)
    left, right = probe_pair(SIZE, 16)
    answer = predictor.predict(left, right).disparity_px
    assert np.array_equal(answer, Predictor(network(), device="cpu").predict(left, right).disparity_px)
    (note,) = predictor.notes
    assert "unsupported instruction" in note


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(SettingsError, match="no backend 'abacus'"):
        Predictor(network(), backend="abacus")


def test_auto_measures_once_and_remembers(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    hide(monkeypatch, "openvino")
    first = SelectedBackend(network(), "auto", "cpu")
    first.prepare(SIZE)
    missing, fastest = first.notes
    assert "openvino was left out" in missing and fastest.startswith("Fastest here: ")
    assert cache.is_file()

    monkeypatch.setattr(selection, "_rounds_ms", lambda *_: pytest.fail("measured again"))
    second = SelectedBackend(network(), "auto", "cpu")
    second.run(*probe_pair(SIZE, 16))
    assert second.name == first.name and second.notes == [fastest]


def test_what_a_busy_machine_measured_is_used_but_not_remembered(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    hide(monkeypatch, "openvino")
    monkeypatch.setattr(selection, "_STEADY", 1.4)
    monkeypatch.setattr(selection, "_rounds_ms", lambda backends, *_: {n: [10.0, 90.0, 50.0] for n in backends})
    backend = SelectedBackend(network(), "auto", "cpu")
    backend.prepare(SIZE)
    assert any(note.startswith("Fastest here: ") for note in backend.notes)
    assert not cache.exists()
    monkeypatch.setattr(selection, "_rounds_ms", lambda backends, *_: {n: [10.0, 11.0, 12.0] for n in backends})
    SelectedBackend(network(), "auto", "cpu").prepare(SIZE)
    assert cache.is_file()


def test_auto_takes_the_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(selection, "_rounds_ms", lambda backends, *_: {n: [100.0 - len(n)] for n in backends})
    hide(monkeypatch, "openvino")
    backend = SelectedBackend(network(), "auto", "cpu")
    assert backend.name == "torch cpu fp32"
    backend.prepare(SIZE)
    assert backend.name == "ONNX Runtime cpu fp32"


def test_auto_leaves_out_a_backend_that_disagrees(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    hide(monkeypatch, "openvino")
    other = OnnxSource(network(seed=1)).graph()
    monkeypatch.setattr(OnnxSource, "graph", lambda _: other)
    backend = SelectedBackend(network(), "auto", "cpu")
    backend.prepare(SIZE)
    assert backend.name == "torch cpu fp32"
    assert any("onnxruntime was left out" in note and "differs from torch" in note for note in backend.notes)


def test_a_remembered_backend_that_is_gone_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(selection, "_rounds_ms", lambda backends, *_: {n: [100.0 - len(n)] for n in backends})
    monkeypatch.setattr(SelectedBackend, "_candidates", lambda _: iter(["onnxruntime"]))
    SelectedBackend(network(), "auto", "cpu").prepare(SIZE)
    key = choice_key(network(), SIZE, None)
    assert (found := remembered(key)) is not None and found.backend == "onnxruntime"

    hide(monkeypatch, "onnxruntime")
    backend = SelectedBackend(network(), "auto", "cpu")
    backend.prepare(SIZE)
    assert backend.name == "torch cpu fp32" and "ONNX Runtime cannot be used here" in backend.notes[0]
    assert remembered(key) is None


def test_a_remembered_reduced_precision_is_compared_again_for_other_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    class Rounded(TorchBackend):
        """Exact as long as `bears_it`, a pixel off else."""

        precision = "fp16"

        def run(self, left: np.ndarray, right: np.ndarray) -> BackendOutput:
            answer = super().run(left, right)
            return answer if bears_it else answer._replace(disparity_px=answer.disparity_px + 1)

    bears_it = True
    monkeypatch.setattr(selection, "_rounds_ms", lambda backends, *_: {n: [100.0 - len(n)] for n in backends})
    monkeypatch.setattr(SelectedBackend, "_candidates", lambda _: iter(["openvino-fp16"]))
    monkeypatch.setattr(SelectedBackend, "_create", lambda self, _: Rounded(self._network, "cpu"))
    SelectedBackend(network(), "auto", "cpu").prepare(SIZE)
    key = choice_key(network(), SIZE, None)
    again = SelectedBackend(network(), "auto", "cpu")
    again.prepare(SIZE)
    assert again.precision == "fp16"

    bears_it = False
    other = SelectedBackend(network(seed=1), "auto", "cpu")
    other.prepare(SIZE)
    assert other.precision == "fp32" and "differs from torch by 1.00 px" in other.notes[0]
    assert (kept := remembered(key)) is not None and kept.backend == "openvino-fp16"


def test_a_damaged_cache_is_no_obstacle(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "openvino", "onnxruntime")
    cache.parent.mkdir()
    cache.write_text("[not json")
    backend = SelectedBackend(network(), "auto", "cpu")
    backend.prepare(SIZE)
    assert backend.name == "torch cpu fp32"
    assert remembered(choice_key(network(), SIZE, None)) is not None


def test_the_key_changes_with_what_changes_speed() -> None:
    wider = network()
    wider.max_disparity = 64  # type: ignore[assignment]
    keys = [choice_key(network(), SIZE, None), choice_key(network(), SIZE, 1), choice_key(network(), (64, 64), None)]
    assert len({*keys, choice_key(wider, SIZE, None)}) == 4
    assert choice_key(network(seed=5), SIZE, None) == keys[0]


def test_reduced_precision_needs_a_cpu_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "openvino_precisions", lambda: ["fp32"])
    with pytest.raises(NetworkError, match="does not compute in bf16"):
        OpenVinoBackend(OnnxSource(network()), precision="bf16")


def test_half_resolution_doubles_the_reach_and_keeps_size_and_scale() -> None:
    left, right = probe_pair((192, 128), 40)
    half = Predictor(network(), device="cpu", half_resolution=True, max_disparity=64)
    assert half.max_disparity == 64 and "half resolution" in half.name
    prediction = half.predict(left, right)
    assert prediction.disparity_px.shape == (128, 192) and prediction.disparity_px.dtype == np.float32
    assert prediction.confidence is not None and prediction.confidence.shape == (128, 192)
    smaller = (
        np.asarray(cv2.resize(image, (96, 64), interpolation=cv2.INTER_AREA), np.uint8) for image in (left, right)
    )
    expected = Predictor(network(), device="cpu").predict(*smaller).disparity_px
    np.testing.assert_allclose(prediction.disparity_px, 2 * cv2.resize(expected, (192, 128)), atol=0.01)
