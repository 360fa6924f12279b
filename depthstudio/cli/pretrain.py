"""The verb ``pretrain``."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthstudio.cli.numbers import positive

if TYPE_CHECKING:
    from depthstudio.training.pretrain import PretrainEvent, PretrainSettings


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    parser = verbs.add_parser("pretrain", help="train a network from nothing on synthetic pairs, for hours")
    parser.add_argument(
        "--hours", type=positive(float), required=True, help="time budget of the whole run, resumes included"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on from the state in RUN")
    parser.add_argument("--network", default="depthstudio-s", help="default: %(default)s")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="option of the network")
    parser.add_argument("--start-from", default="", metavar="FILE", help="begin with the weights of this network")
    parser.add_argument("--pool", type=Path, metavar="DIR", help="keep rendered scenes here and use them again")
    parser.add_argument(
        "--pool-size", type=positive(int), default=3000, help="scenes in the pool (default: %(default)s)"
    )
    parser.add_argument("--renderers", type=int, default=1, help="processes that fill the pool (default: %(default)s)")
    parser.add_argument("--batch", type=positive(int), default=4, help="crops per step (default: %(default)s)")
    parser.add_argument(
        "--crop", metavar="WxH", help="one crop size for the whole run; default: 320x192, later 448x256"
    )
    parser.add_argument(
        "--max-disparity", type=positive(int), default=192, help="px, with --crop (default: %(default)s)"
    )
    parser.add_argument("--learning-rate", type=positive(float), default=1e-3, help="peak rate (default: %(default)s)")
    parser.add_argument(
        "--occluded-weight",
        type=float,
        default=0.5,
        help="of pixels that the right camera does not see, after 30 %% of the time (default: %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that make crops (default: %(default)s)")
    parser.add_argument(
        "--threads", type=positive(int), default=2, help="CPU threads of the training (default: %(default)s)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto", help="auto measures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=positive(int), help="stop after this many steps, whatever the time")
    parser.add_argument("--validate-minutes", type=positive(float), default=15.0, help="default: %(default)s")
    parser.add_argument("--nice", action="store_true", help="run at the lowest priority")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train and print what happens, one line per event. SIGINT and SIGTERM save the state and end the run."""
    # Threads that spin while they wait would eat the time of everything else on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if arguments.nice:
        os.nice(19)
    import torch

    from depthstudio.cancel import CancelToken
    from depthstudio.training.pretrain import pretrain
    from depthstudio.training.pretrain_data import PairSource, RenderedPairs, pooled_pairs

    torch.set_num_threads(arguments.threads)
    cancel = CancelToken()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: cancel.cancel())
    source: PairSource = RenderedPairs()
    pooled = None if arguments.pool is None else pooled_pairs(arguments.pool, arguments.pool_size, arguments.seed)
    if pooled is not None:
        source = pooled
        pooled.pool.start_refresh(arguments.renderers)
    try:
        settings = _settings(arguments)
        for event in pretrain(settings, arguments.out, resume=arguments.resume, cancel=cancel, source=source):
            print(_line(event), flush=True)
    finally:
        if pooled is not None:
            pooled.pool.stop()
    return 0


def _settings(arguments: argparse.Namespace) -> PretrainSettings:
    from depthstudio.training.pretrain import Phase, PretrainSettings
    from depthstudio.training.pretrain_loss import LossWeights

    chosen: dict[str, Any] = {}
    if arguments.crop:
        width, height = _size(arguments.crop)
        chosen["phases"] = (Phase(0.0, height, width, arguments.max_disparity),)
    return PretrainSettings(
        hours=arguments.hours,
        network=arguments.network,
        options=dict(_option(text) for text in arguments.option),
        start_from=arguments.start_from,
        batch=arguments.batch,
        learning_rate=arguments.learning_rate,
        weights=LossWeights(occluded=arguments.occluded_weight),
        workers=arguments.workers,
        device=arguments.device,
        precision=arguments.precision,
        seed=arguments.seed,
        max_steps=arguments.steps,
        validate_every_s=60 * arguments.validate_minutes,
        **chosen,
    )


def _size(text: str) -> tuple[int, int]:
    from depthstudio.errors import SettingsError

    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) >= 64 and int(part) % 32 == 0 for part in parts):
        raise SettingsError(f"'{text}' is no crop size.", "Width and height must be multiples of 32.", "E.g. 320x192.")
    return int(parts[0]), int(parts[1])


def _option(text: str) -> tuple[str, Any]:
    import json

    from depthstudio.errors import SettingsError

    name, separator, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError as error:
        hint = "" if separator else "There is no '='."
        raise SettingsError(f"'{text}' is no option.", hint, "Write NAME=VALUE, the value as JSON.") from error


def _line(event: PretrainEvent) -> str:
    head = f"{event.elapsed_s / 60:7.1f} min {100 * event.fraction:5.1f} %  {event.crops:7d} crops  {event.kind:10s}"
    if event.kind == "validated":
        shown = {name: value for name, value in event.values.items() if name != "score"}
        parts = [f"{name} {100 * value['bad_2']:.1f}" for name, value in shown.items()]
        return f"{head} bad-2 %: {100 * event.values['score']:.1f} synthetic; {', '.join(parts)}"
    flat = [f"{name} {value}" for name, value in event.values.items() if isinstance(value, int | float | str)]
    return f"{head} {', '.join(flat)}"
