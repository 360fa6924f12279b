"""The ``depthstudio`` command: each verb parses, calls one function and prints. No logic lives here."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

from depthstudio import __version__
from depthstudio.errors import UserError

BAD_INPUT = 2

# Each module has add_verbs(subparsers), which registers its verbs with set_defaults(run=function(arguments) -> int).
_VERB_MODULES = (
    "window",
    "demo",
    "capture",
    "calibrate",
    "datasets",
    "train",
    "evaluate",
    "predict",
    "pretrain",
    "bench",
    "doctor",
)


class _Parser(argparse.ArgumentParser):
    """argparse, but a mistake is one clear line on stderr."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see '{self.prog} --help')\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser with every verb."""
    parser = _Parser(prog="depthstudio", description="Better depth from a stereo camera, in one window.")
    parser.add_argument("--version", action="version", version=f"depthstudio {__version__}")
    parser.add_argument(
        "--workspace", metavar="DIR", help="your folder (default: $DEPTHSTUDIO_WORKSPACE or ~/DepthStudio)"
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", parser_class=_Parser)
    for name in _VERB_MODULES:
        importlib.import_module(f"depthstudio.cli.{name}").add_verbs(verbs)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; without a verb the window opens. Returns the exit code: 0 fine, 2 bad input, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser()
    arguments = parser.parse_args(words)
    if not hasattr(arguments, "run"):
        arguments = parser.parse_args([*words, "gui"])
    try:
        return int(arguments.run(arguments))
    except UserError as error:
        print(f"depthstudio: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("depthstudio: interrupted", file=sys.stderr)
        return 130
