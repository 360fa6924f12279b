"""``depthstudio bench training``: how fast the training loop is beside a plain one."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from depthstudio.cli.tables import table_console

_SIZE, _FRAMES, _VALIDATION, _EPOCHS, _BATCH = (640, 480), 24, 6, 3, 4
_CROP = (512, 320)
CONVENTIONS = (
    "plain: fp32, contiguous, every frame read, rectified and labelled in the step that needs it. Epochs take turns.",
    "first: the epoch that fills the caches; later: the mean of the others. Loading counts, validation does not.",
)


def training(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    from rich.table import Table

    from depthstudio.evaluation.overfit_data import OverfitData
    from depthstudio.inference.image_size import parse_size
    from depthstudio.storage import cache_root, write_text
    from depthstudio.training.settings import TrainingSettings
    from depthstudio.training.speed import compare_loops, equal_settings
    from depthstudio.training.start import start_network

    size = parse_size(arguments.size) if arguments.size else _SIZE
    data = OverfitData(arguments.frames or _FRAMES, arguments.validation_frames or _VALIDATION, size)
    crop = (min(_CROP[0], size[0]), min(_CROP[1], size[1]))
    settings = equal_settings(crop, _BATCH, arguments.epochs or _EPOCHS)
    console = table_console()
    folder = arguments.data or cache_root() / "overfit"
    with console.status("Measuring") as status:
        for words in data.record(folder):
            status.update(f"Recording: {words}")
        rows = []
        for name in arguments.networks or ("depthstudio-s",):
            status.update(f"Training {name}")
            network, _ = start_network(TrainingSettings(network=name))
            with tempfile.TemporaryDirectory() as temporary:
                rows.append(compare_loops(network, data.sides(folder), settings, Path(temporary) / "run"))
    table = Table("network", "loop", title=f"training, {data.train} frames, crop {crop[0]}x{crop[1]}, batch {_BATCH}")
    for heading in ("frames/s, first", "later", "times plain", f"EPE px after {settings.epochs} epochs"):
        table.add_column(heading, justify="right")
    for row in rows:
        for loop in (row.plain, row.ours):
            times = f"{loop.later_samples_per_s / row.plain.later_samples_per_s:.2f}"
            rates = (f"{loop.first_samples_per_s:.2f}", f"{loop.later_samples_per_s:.2f}", times)
            table.add_row(row.network, loop.loop, *rates, f"{loop.validation_epe_px[-1]:.3f}")
        console.print(f"{row.network}: {row.device}, DepthStudio in {row.precision}", style="dim")
    console.print(table)
    for line in CONVENTIONS:
        console.print(line, style="dim")
    if arguments.json:
        write_text(arguments.json, json.dumps([row.as_json() for row in rows], indent=1))
    return 0
