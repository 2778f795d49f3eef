"""Where synthesised speech and templates are kept between runs."""

import os
import tempfile
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[2]


def cache_directory(name: str) -> Path:
    """Return the directory of one kind of cached data; it may not exist yet.

    Args:
        name: the kind, e.g. "speech".

    Returns:
        A path below WIGVO_CACHE_DIR, or below `.cache` of the project.
    """
    root = os.environ.get("WIGVO_CACHE_DIR")
    return (Path(root) if root else _PROJECT / ".cache") / name


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it or nothing.

    Args:
        path: where to; its directory is created.
        content: the whole file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
