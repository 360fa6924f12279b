"""Single files of a remote data set: a local folder stands for it, and what is missing there is fetched when asked for.

The folder's marker file names the remote root, so that any process that opens a path below it knows where it is from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthstudio.errors import DatasetError
from depthstudio.storage import atomic_path

if TYPE_CHECKING:
    import fsspec

MARKER_FILE = ".remote.json"


def fetch(path: Path) -> bool:
    """Download `path` when it lies in a mirrored folder; False when it does not, or the remote has no such file.

    DatasetError when the remote cannot be read now.
    """
    for folder in path.parents:
        marker = folder / MARKER_FILE
        if marker.is_file():
            about = json.loads(marker.read_text("utf-8"))
            name = path.relative_to(folder).as_posix()
            if name not in about["files"]:
                return False
            download(about["url"], folder, [name])
            return True
    return False


def open_root(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a URL and the path in it. DatasetError when its kind is unknown or lacks a driver."""
    import fsspec

    try:
        system, root = fsspec.url_to_fs(url)
    except ImportError as error:
        raise DatasetError(f"{url} cannot be opened.", f"{error}.", "Install the driver that is named.") from error
    except ValueError as error:
        raise DatasetError(
            f"{url} cannot be opened.",
            f"{error}.",
            "Give a folder, or a URL that fsspec knows: s3://, gs://, az://, https://, sftp://, file:// ...",
        ) from error
    return system, root.rstrip("/")


def download(url: str, folder: Path, names: list[str]) -> None:
    """Copy files, named relative to `url`, into `folder`; each appears whole or not at all."""
    system, root = open_root(url)
    for name in names:
        try:
            with atomic_path(folder / name) as temporary:
                system.get_file(f"{root}/{name}", str(temporary))
        except Exception as error:  # every file system raises its own kinds
            raise refusal(url, error, name) from error


def refusal(url: str, error: BaseException, name: str = "") -> DatasetError:
    """What a failed access to a remote is told as."""
    reason: Any = getattr(error, "strerror", None) or error
    return DatasetError(
        f"{url}{'/' + name if name else ''} cannot be read.",
        f"{type(error).__name__}: {reason}.",
        "Check the address, your access rights and the connection; what was fetched already is kept.",
    )
