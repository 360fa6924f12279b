"""``depthstudio gui``: the window, and what happens when no verb is given."""

from __future__ import annotations

import argparse

from depthstudio.workspace import Workspace

# As gui.pages has them, which would load Qt.
PAGES = ("capture", "calibrate", "dataset", "train", "live", "quality", "evaluate", "settings")


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    parser = verbs.add_parser("gui", help="open the window (the default)")
    parser.add_argument(
        "--source", metavar="URL", default="", help="open this source at once, e.g. sim://ir?scene=desk"
    )
    parser.add_argument("--page", choices=PAGES, default="", help="the page to show first")
    parser.set_defaults(run=_gui)


def _gui(arguments: argparse.Namespace) -> int:
    from depthstudio.gui.application import run_window

    return run_window(Workspace.find(arguments.workspace), arguments.source, arguments.page)
