"""A data set on a remote file system (S3-like, a web server, another machine): a local folder that stands for it.

Whatever fsspec opens can be a data set's root. Descriptions and calibrations are fetched at once, the images of
recording sessions one by one when they are first read; other layouts are fetched whole, for their readers look at the
files.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath
from typing import Any

from depthstudio.datasets.mirrored_file import MARKER_FILE, download, open_root, refusal
from depthstudio.datasets.session_format import FRAMES_FOLDER, SESSION_FILE
from depthstudio.errors import DatasetError
from depthstudio.storage import cache_root, write_text


def is_url(path: Path | str) -> bool:
    """True for what is no path of this machine."""
    return isinstance(path, str) and "://" in path


def mirror(url: str, cache: Path | None = None) -> Path:
    """The local folder of a remote root, brought up to date with what the remote lists now.

    cache: where mirrors lie; by default $DEPTHSTUDIO_CACHE/datasets, else ~/.cache/depthstudio/datasets. Files that
    changed on the remote (by size and by tag or time) are fetched anew, files that vanished there are removed here;
    what was edited here alone (a recording's role) stays. DatasetError when the remote cannot be read.
    """
    url = url.rstrip("/")
    folder = (cache or cache_root() / "datasets") / _folder_name(url)
    files = _remote_files(url)
    known = _known_files(folder)
    for name in known.keys() - files.keys() | {name for name in known.keys() & files if known[name] != files[name]}:
        (folder / name).unlink(missing_ok=True)
    sessions = {PurePosixPath(name).parent for name in files if PurePosixPath(name).name == SESSION_FILE}
    wanted = [name for name in files if not _is_session_image(name, sessions) and not (folder / name).exists()]
    # First the marker: an interrupted download goes on where it stopped.
    write_text(folder / MARKER_FILE, json.dumps({"url": url, "files": files}))
    download(url, folder, wanted)
    return folder


def _folder_name(url: str) -> str:
    return f"{PurePosixPath(url).name or 'root'}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"


def _remote_files(url: str) -> dict[str, list[Any]]:
    """Name relative to the root -> what tells its version."""
    system, root = open_root(url)
    try:
        system.invalidate_cache()
        listed = system.find(root, detail=True)
    except Exception as error:  # every file system raises its own kinds
        raise refusal(url, error) from error
    if not listed:
        raise DatasetError(f"There is nothing in {url}.", next_step="Check the address.")
    paths = {PurePosixPath(path): info for path, info in sorted(listed.items())}
    if any(".." in path.parts or not path.is_relative_to(root) for path in paths):
        raise DatasetError(
            f"{url} cannot be mirrored.", "It lists files outside of itself.", "Do not trust this address."
        )
    names = {path.relative_to(root).as_posix(): info for path, info in paths.items()}
    # A marker of theirs would say where the files of this mirror come from.
    return {name: _version(info) for name, info in names.items() if PurePosixPath(name).name != MARKER_FILE}


def _version(info: dict[str, Any]) -> list[Any]:
    tag = next((info[key] for key in ("ETag", "etag", "mtime", "LastModified", "created") if info.get(key)), "")
    return [info.get("size"), str(tag)]


def _known_files(folder: Path) -> dict[str, list[Any]]:
    try:
        return dict(json.loads((folder / MARKER_FILE).read_text("utf-8"))["files"])
    except (OSError, ValueError, KeyError):
        return {}


def _is_session_image(name: str, sessions: set[PurePosixPath]) -> bool:
    folder = PurePosixPath(name).parent
    return folder.name == FRAMES_FOLDER and folder.parent in sessions
