from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from depthstudio.cameras import FrameSource, open_source, recording
from depthstudio.cameras.emitter_pairs import LEARNING, TRANSITION, EmitterPairs, fine_contrast
from depthstudio.cameras.frame_stages import MOVING, NO_DEPTH
from depthstudio.cameras.recording import record
from depthstudio.cameras.recording_modes import Mode, RecordingMode
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame

DOTS = (np.random.default_rng(5).uniform(size=(96, 128)) < 0.08) * 90


class Scene:
    """A still scene whose projector obeys `latency` frames late, with one half-lit frame at every change."""

    def __init__(self, latency: int = 3, dot_strength: float = 1.0) -> None:
        self.wanted: list[bool] = [False] * (latency + 1)
        self.strength = dot_strength
        self.moved_px = 0
        self.number = 0
        self.shown: list[float] = []

    def switch(self, on: bool) -> None:
        self.wanted[-1] = on

    def frame(self, lit: float | None = None) -> StereoFrame:
        before, now = self.wanted[0], self.wanted[1]
        self.wanted = [*self.wanted[1:], self.wanted[-1]]
        return self.lit_by(lit if lit is not None else (before + now) / 2)

    def lit_by(self, share: float) -> StereoFrame:
        rng = np.random.default_rng(self.number)
        blocks = np.random.default_rng(1).integers(60, 140, (6, 8)).repeat(16, axis=0).repeat(16, axis=1)
        picture = np.roll(blocks, self.moved_px, axis=1) + share * self.strength * DOTS
        left = np.clip(picture + rng.standard_normal(picture.shape), 0, 255).astype(np.uint8)
        depth = np.full(left.shape, 1500 if share == 1 else 7, np.uint16)
        self.number += 1
        self.shown.append(share)
        return StereoFrame(self.number - 1, self.number / 30, left, left.copy(), depth)


def test_inputs_are_dark_labels_are_lit_and_changing_frames_are_counted() -> None:
    scene = Scene()
    stage = EmitterPairs(scene.switch, label_frames=3)
    pairs = [pair for _ in range(90) if (pair := stage.take(scene.frame())) is not None]
    assert len(pairs) >= 3
    dark = fine_contrast(scene.lit_by(0).left)
    for pair in pairs:
        assert scene.shown[pair.number] == 0, "the input has no dots"
        assert fine_contrast(pair.left) < 1.1 * dark
        assert pair.depth_mm is not None
        assert (pair.depth_mm == 1500).all(), "the label was measured with dots only"
        assert pair.metadata["label_frames"] == 3
        assert pair.label_confidence is not None
    assert stage.refused[TRANSITION] > 0 and stage.refused[LEARNING] > 0
    assert stage.refused[MOVING] == 0


def test_a_frame_without_depth_now_and_then_ends_nothing() -> None:
    scene = Scene()
    stage = EmitterPairs(scene.switch, label_frames=3)
    frames = (scene.frame() for _ in range(120))
    taken = [stage.take(frame if n % 7 else replace(frame, depth_mm=None)) for n, frame in enumerate(frames)]
    assert len([pair for pair in taken if pair is not None]) >= 3
    assert stage.refused[NO_DEPTH] == 18


def test_a_scene_that_moves_within_a_cycle_gives_no_pair() -> None:
    scene = Scene()
    stage = EmitterPairs(scene.switch, label_frames=3)
    while stage.levels is None:
        stage.take(scene.frame())
    pairs = []
    for _ in range(80):
        scene.moved_px += 1
        pairs.append(stage.take(scene.frame()))
    assert pairs == [None] * 80
    assert stage.refused[MOVING] > 0


def test_a_camera_that_alternates_by_itself_is_paired_frame_by_frame() -> None:
    scene = Scene()
    stage = EmitterPairs(None)
    pairs = [stage.take(scene.frame(lit=float(n % 2))) for n in range(40)]
    made = [pair for pair in pairs if pair is not None]
    assert len(made) >= 10
    assert all(scene.shown[pair.number] == 0 and pair.depth_mm is not None for pair in made)
    assert all((pair.depth_mm == 1500).all() for pair in made if pair.depth_mm is not None)


def test_a_projector_that_cannot_be_seen_is_an_error_that_says_so() -> None:
    scene = Scene(dot_strength=0.0)
    stage = EmitterPairs(scene.switch)
    with pytest.raises(SourceError, match="makes no difference"):
        for _ in range(200):
            stage.take(scene.frame())


def test_the_simulated_rig_records_pairs_and_gets_its_projector_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[FrameSource] = []
    monkeypatch.setattr(recording, "open_source", lambda url: opened.append(open_source(url)) or opened[-1])
    url = "sim://ir?scene=wall&size=320x240&fps=30&projector=on"
    session = record(url, tmp_path / "s", mode=RecordingMode(Mode.EMITTER, burst_frames=3), frames=2)
    assert len(session) == 2
    for i in range(2):
        frame = session.frame(i)
        assert frame.metadata["projector"] is False
        assert frame.metadata["emitter_pair"] is True
        assert frame.depth_mm is not None and (frame.depth_mm > 0).mean() > 0.5
        assert frame.label_confidence is not None
    assert session.camera_settings["recording_mode"] == "emitter"
    (projector,) = (control for control in opened[0].controls() if control.name == "projector")
    assert projector.choices[int(projector.value)] == "on"


def test_a_camera_that_stops_alternating_is_noticed() -> None:
    scene = Scene()
    stage = EmitterPairs(None)
    for n in range(20):
        stage.take(scene.frame(lit=float(n % 2)))
    with pytest.raises(SourceError, match="makes no difference"):
        for _ in range(200):
            stage.take(scene.frame(lit=0.0))


def test_sources_without_a_projector_are_refused(tmp_path: Path) -> None:
    first = record("sim://ir?scene=wall&size=64x48&frames=2&realtime=0", tmp_path / "a")
    with pytest.raises(SourceError, match="Projector pairs cannot be recorded"):
        record(f"session://{first.folder}", tmp_path / "b", mode=RecordingMode(Mode.EMITTER))
    assert not (tmp_path / "b").exists()
