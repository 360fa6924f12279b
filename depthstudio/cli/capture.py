"""Verbs still to come in this module register themselves here."""

from __future__ import annotations

import argparse


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
