"""How fast the Live page is here: a simulated rig through rectification, network, colours and painting in a window."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from PySide6.QtCore import QObject, QTimer

from depthstudio.cameras.simulated.rig import simulated_rig
from depthstudio.gui.application import make_application, make_window
from depthstudio.gui.event_loop_delay import EventLoopDelay, need_display, wait, wait_for
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.live import LivePage
from depthstudio.gui.studio import ActiveCalibration
from depthstudio.workspace import Workspace

if TYPE_CHECKING:
    from depthstudio.inference.live_result import LiveResult

SIZE = (640, 480)
# The hybrid rig needs real rectification; a short loop is rendered quickly and stays out of the measurement.
SOURCE = f"sim://hybrid?scene=desk&size={SIZE[0]}x{SIZE[1]}&frames=12"
_WINDOW_SIZE = (1280, 720)
_MEMORY_EVERY_S = 5.0
_SETTLE_S = 10.0
_FIRST_RESULT_S = 300.0


@dataclass(frozen=True)
class LiveBenchmark:
    """latency: arrival of a frame to its depth painted. display: colours and painting of both pictures of a frame.

    event_loop: how much later than due a timer of the window fires. memory_mb: resident memory every five seconds.
    camera_per_s: frames the simulated camera delivered. load: of the machine over the last minute, this included.
    cpu_ms_per_prediction: processor time on all cores; the simulated camera renders in a process that is not counted.
    """

    network: str
    seconds: float
    predictions: int
    predictions_per_s: float
    camera_per_s: float
    latency_p50_ms: float
    latency_p95_ms: float
    inference_p50_ms: float
    inference_p95_ms: float
    display_p50_ms: float
    display_p95_ms: float
    event_loop_p99_ms: float
    event_loop_max_ms: float
    memory_mb: tuple[float, ...]
    load: float
    cpu_ms_per_prediction: float = float("nan")

    @property
    def memory_growth_mb_per_minute(self) -> float:
        """The slope of a straight line through the second half of the memory samples; NaN with fewer than three."""
        half = self.memory_mb[len(self.memory_mb) // 2 :]
        if len(half) < 2:
            return float("nan")
        minutes = np.arange(len(half)) * _MEMORY_EVERY_S / 60
        return float(np.polyfit(minutes, half, 1)[0])

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {**asdict(self), "memory_growth_mb_per_minute": self.memory_growth_mb_per_minute}


def live_benchmark(
    folder: Path,
    network: Path,
    seconds: float,
    backend: str = "auto",
    tell: Callable[[str], object] = print,
    *,
    half_resolution: bool = False,
) -> LiveBenchmark:
    """Measure for so long, in a window on an empty workspace in `folder`. SettingsError without a display."""
    need_display("depthstudio bench live")
    make_application()
    window = make_window(Workspace(folder))
    try:
        page = _prepared(window, network, backend, half_resolution)
        tell("Loading the network and rendering the scene")
        wait_for(lambda: page.views.result is not None, _FIRST_RESULT_S, "No depth was shown.")
        wait(_SETTLE_S)
        tell(f"Measuring for {seconds:.0f} s")
        meter = _Meter(page)
        wait(seconds)
        return meter.result()
    finally:
        window.studio.activities.clear()
        window.close()


def _prepared(window: MainWindow, network: Path, backend: str, half_resolution: bool) -> LivePage:
    """The window on the Live page, source and calibration open, the network chosen."""
    window.studio.settings.live_backend = backend
    window.resize(*_WINDOW_SIZE)
    window.show()
    window.show_page("live")
    page = window.pages["live"]
    assert isinstance(page, LivePage)
    page.computing.choose_backend(backend)
    page.computing.choose_half_resolution(half_resolution)
    window.studio.use_calibration(ActiveCalibration(simulated_rig("hybrid", SIZE).calibration, "the rig's own"))
    page.choose_network(network)
    window.studio.sources.open(SOURCE)
    return page


class _Meter(QObject):
    """Listens to the page and to the clock."""

    def __init__(self, page: LivePage) -> None:
        super().__init__(page)
        self._page = page
        self._process = psutil.Process()
        self._latency_ms: list[float] = []
        self._inference_ms: list[float] = []
        self._display_ms: list[float] = []
        self._delay = EventLoopDelay(self)
        self._memory_mb: list[float] = []
        self._started_s = time.perf_counter()
        self._cpu_s = time.process_time()
        self._received = page.studio.sources.rates.received
        page.views.displayed.connect(self._on_displayed)
        self._weighing = QTimer(self, interval=round(_MEMORY_EVERY_S * 1000))
        self._weighing.timeout.connect(self._weigh)
        self._weighing.start()

    def result(self) -> LiveBenchmark:
        """Everything so far; stops listening."""
        self._weighing.stop()
        delays = self._delay.stop()
        self._page.views.displayed.disconnect(self._on_displayed)
        seconds = time.perf_counter() - self._started_s
        loop = self._page.engine.loop
        received = self._page.studio.sources.rates.received - self._received

        def percentile(values: list[float], percent: float) -> float:
            return float(np.percentile(values, percent)) if values else float("nan")

        return LiveBenchmark(
            loop.predictor.name if loop is not None else "",
            seconds,
            len(self._latency_ms),
            len(self._latency_ms) / seconds,
            received / seconds,
            percentile(self._latency_ms, 50),
            percentile(self._latency_ms, 95),
            percentile(self._inference_ms, 50),
            percentile(self._inference_ms, 95),
            percentile(self._display_ms, 50),
            percentile(self._display_ms, 95),
            delays.p99_ms,
            delays.max_ms,
            tuple(self._memory_mb),
            psutil.getloadavg()[0],
            (time.process_time() - self._cpu_s) * 1000 / max(len(self._latency_ms), 1),
        )

    def _on_displayed(self, result: LiveResult, ms: float) -> None:
        self._latency_ms.append((time.monotonic() - result.frame.arrived_s) * 1000.0)
        self._inference_ms.append(result.prediction.inference_ms)
        self._display_ms.append(ms)

    def _weigh(self) -> None:
        self._memory_mb.append(self._process.memory_info().rss / 1e6)
