"""The ``depthstudio`` command: each verb parses, calls one function and prints. No logic lives here."""

from __future__ import annotations

import argparse
import importlib
import os
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
    "board",
    "calibrate",
    "datasets",
    "train",
    "evaluate",
    "predict",
    "export",
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
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")  # a damaged image is reported once, by us
    parser = build_parser()
    arguments = parser.parse_args(words)
    if not hasattr(arguments, "run"):
        arguments = parser.parse_args([*words, "gui"])
    try:
        return int(arguments.run(arguments))
    except UserError as error:
        print(f"depthstudio: {error}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:  # the reader of our output, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"depthstudio: {_in_words(error)}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("depthstudio: interrupted", file=sys.stderr)
        return 130


def _in_words(error: OSError) -> str:
    """One line for what the system refused; verbs that know more raise a UserError instead."""
    in_the_way = isinstance(error, FileExistsError | NotADirectoryError)
    reason = "a file is in the way" if in_the_way else error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return f"The system refused: {reason}."
    return f"{error.filename} cannot be used: {reason}. Choose another place, or change its permissions."
