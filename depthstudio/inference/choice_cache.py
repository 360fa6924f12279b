"""Remembers which backend was fastest, so that a network starts at once the next time."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from depthstudio.models import StereoNetwork
from depthstudio.storage import cache_root, write_text

_FILE = "backends.json"
_RUNTIMES = ("torch", "onnxruntime", "openvino")


@dataclass(frozen=True)
class Choice:
    """backend: one of BACKENDS. times_ms: the quickest run of each backend measured."""

    backend: str
    times_ms: dict[str, float]

    def sentence(self) -> str:
        """For people: what was chosen against what."""
        times = ", ".join(f"{name} {ms:.0f} ms" for name, ms in sorted(self.times_ms.items(), key=lambda item: item[1]))
        return f"Fastest here: {self.backend} ({times})."


def choice_key(network: StereoNetwork, size: tuple[int, int], threads: int | None) -> str:
    """Equal where the same measurement can be expected: network, searched range, image size, threads, CPU, versions."""
    facts: dict[str, Any] = {
        "network": network.name,
        "options": network.options,
        "max_disparity": getattr(network, "max_disparity", None),
        "size": size,
        "threads": threads,
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "versions": [_version(name) for name in ("depthstudio", *_RUNTIMES)],
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    return f"{network.name} {size[0]}x{size[1]} {digest}"


def remembered(key: str) -> Choice | None:
    """The choice stored under this key."""
    try:
        entry = _read()[key]
        return Choice(str(entry["backend"]), {str(name): float(ms) for name, ms in entry["times_ms"].items()})
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def remember(key: str, choice: Choice | None) -> None:
    """Store a choice, or forget it (None). Where nothing can be written, the next start measures again."""
    entries = {name: entry for name, entry in _read().items() if name != key}
    if choice is not None:
        entries[key] = asdict(choice)
    try:
        write_text(_path(), json.dumps(entries, indent=1))
    except OSError:
        return


def _read() -> dict[str, Any]:
    try:
        content = json.loads(_path().read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _path() -> Path:
    return cache_root() / _FILE


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


@cache
def _processor() -> str:
    """The CPU's model name and what it can compute in, where the system tells; else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    told = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in lines if ":" in line}
    return " ".join(told.get(name, "") for name in ("model name", "flags")) or platform.machine()
