"""``depthstudio bench overfit``: which fine-tuning recipe overfits."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cli.tables import table_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from depthstudio.training.overfit import ArmResult, OverfitPlan

CONVENTIONS = (
    "Loss (smooth L1) and EPE in px per valid pixel of the noisy labels, train and validation at the best epoch; gap = "
    "validation - train. In brackets: before fine-tuning.",
    "Exact EPE: against the rig's true disparity, all pixels, mean over the validation frames; it judged only, nothing "
    "was chosen by it.",
    "Guard: EPE on fixed synthetic scenes that no arm learns from, before and after.",
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of this measurement."""
    flags = parser.add_argument_group(
        "overfit, training", "equal steps for three recipes, or two loops, on frames of the simulated rig"
    )
    flags.add_argument("--data", type=Path, metavar="DIR", help="where its frames are kept (default: the user's cache)")
    flags.add_argument("--out", type=Path, metavar="DIR", help="its runs, to look at and go on with (default: --data)")
    flags.add_argument("--quick", action="store_true", help="small and few frames: minutes instead of hours")
    flags.add_argument("--frames", type=int, metavar="N", help="training frames (default: 200; training: 24)")
    flags.add_argument(
        "--validation-frames", type=int, metavar="N", help="frames of other rooms (default: 50; training: 6)"
    )
    flags.add_argument(
        "--epochs", type=int, metavar="N", help="of the recipes without rehearsal (default: 50; training: 3)"
    )
    flags.add_argument("--crop", metavar="WxH", help="what a step sees of a frame, px (default: all of it)")
    flags.add_argument(
        "--pretraining-steps", type=int, metavar="N", help="of the reference network (default: an arm's)"
    )


def overfit(arguments: argparse.Namespace) -> int:
    """Run or go on with the comparison and print its table."""
    from depthstudio.storage import cache_root, write_text
    from depthstudio.training.overfit import as_json

    plan = _plan(arguments)
    data = arguments.data or cache_root() / "overfit"
    out = arguments.out or data / f"runs-{plan.data.size[0]}x{plan.data.size[1]}-{plan.data.train}-{plan.epochs}"
    console = table_console()
    console.print(f"{plan.steps} steps of {plan.batch_size} crops of {plan.crop[0]}x{plan.crop[1]} px per arm; {out}")
    results = _follow(plan, data, out, console)
    if not results:
        console.print("Stopped. The same command goes on from here.")
        return 1
    console.print(as_table(plan, results))
    for line in CONVENTIONS:
        console.print(line, style="dim")
    text = json.dumps(as_json(plan, results), indent=1)
    write_text(out / "overfit.json", text)
    if arguments.json:
        write_text(arguments.json, text)
    return 0


def _plan(arguments: argparse.Namespace) -> OverfitPlan:
    from dataclasses import replace

    from depthstudio.evaluation.overfit_data import OverfitData
    from depthstudio.inference.image_size import parse_size
    from depthstudio.training.overfit import OverfitPlan

    plan = OverfitPlan.quick() if arguments.quick else OverfitPlan(OverfitData())
    data = plan.data
    if arguments.size is not None:
        data = replace(data, size=parse_size(arguments.size))
        plan = replace(plan, crop=data.size)
    if arguments.crop is not None:
        plan = replace(plan, crop=parse_size(arguments.crop))
    data = replace(
        data, train=arguments.frames or data.train, validation=arguments.validation_frames or data.validation
    )
    return replace(
        plan,
        data=data,
        epochs=arguments.epochs or plan.epochs,
        pretraining_steps=arguments.pretraining_steps or plan.pretraining_steps,
    )


def _follow(plan: OverfitPlan, data: Path, out: Path, console: Console) -> list[ArmResult]:
    """The arms' results; fewer than all when Ctrl+C stopped it."""
    from depthstudio.cli.interrupt import stop_on_interrupt
    from depthstudio.cli.training_view import TrainingView
    from depthstudio.training.overfit import ARMS, ArmResult, overfit_benchmark

    results: list[ArmResult] = []
    stage = ""
    with stop_on_interrupt() as cancel, TrainingView(console) as view:
        for progress in overfit_benchmark(plan, data, out, cancel):
            if isinstance(progress, ArmResult):
                results.append(progress)
                continue
            if progress.stage != stage:
                stage = progress.stage
                console.print(stage, style="bold")
            if progress.detail:
                console.print(progress.detail, style="dim")
            if progress.event is not None:
                view.show(progress.event)
    return results if len(results) == len(ARMS) else []


def as_table(plan: OverfitPlan, results: list[ArmResult]) -> Table:
    """A column per arm."""
    from rich.table import Table

    title = (
        f"overfit: {plan.data.train} training frames, {plan.data.validation} of other rooms, {plan.steps} steps each"
    )
    table = Table("", title=title)
    for result in results:
        table.add_column(f"{result.title}\n{result.network}", justify="right")
    rows = {
        "best epoch": lambda r: str(r.best_epoch),
        "stop epoch": lambda r: f"{r.stop_epoch} of {r.planned_epochs}",
        "epochs saved": lambda r: str(r.epochs_saved),
        "loss, train / validation": lambda r: f"{_number(r.train_loss)} / {_number(r.validation_loss)}",
        "EPE, train / validation": lambda r: f"{_number(r.train_epe_px)} / {_number(r.validation_epe_px)}",
        "  (before)": lambda r: f"({_number(r.before_validation_epe_px)})",
        "gap at the best epoch": lambda r: _number(r.gap_epe_px),
        "gap at the last epoch": lambda r: _number(r.last_gap_epe_px),
        "exact EPE": lambda r: f"({_number(r.exact_epe_px_before)}) {_number(r.exact_epe_px_after)}",
        "guard": lambda r: f"({_number(r.guard_epe_px_before)}) {_number(r.guard_epe_px_after)}",
        "guard, change": lambda r: "-" if r.guard_change is None else f"{100 * r.guard_change:+.0f} %",
        "minutes": lambda r: f"{r.seconds / 60:.1f}",
    }
    for heading, value in rows.items():
        table.add_row(heading, *(value(result) for result in results))
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
