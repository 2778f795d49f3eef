"""A file over HTTP, or the part of it that was asked for (RFC 9110, section 14).

Players ask for parts, so that they can begin in the middle; Django's own file answer
knows none, and under ASGI it would read the whole file into memory.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

CHUNK_BYTES: Final = 256 * 1024
"""Eight seconds of a recording; read in a thread, one hop each."""

_ONE_RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


class UnsatisfiableError(Exception):
    """The part that was asked for lies outside the file: 416.

    Attributes:
        content_range: the header that belongs to that answer.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.content_range = f"bytes */{size}"


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of a file, both ends included."""

    first: int
    last: int

    @property
    def n_bytes(self) -> int:
        return self.last - self.first + 1


def parse(header: str, size: int) -> Part | None:
    """Read a Range header.

    Args:
        header: its value; empty if there was none.
        size: of the file, bytes.

    Returns:
        the part; None for the whole file, also where the header is no single range of
        bytes: it may be ignored then.

    Raises:
        UnsatisfiableError: nothing of that part exists.
    """
    found = _ONE_RANGE.fullmatch(header.replace(" ", ""))
    if found is None or found.group(0) == "bytes=-":
        return None
    first, last = found.groups()
    if not first:  # the last so many bytes
        n_bytes = min(int(last), size)
        if not n_bytes:
            raise UnsatisfiableError(size)
        return Part(size - n_bytes, size - 1)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise UnsatisfiableError(size)
    return Part(int(first), min(int(last), size - 1) if last else size - 1)


def file_response(
    request: HttpRequest, path: Path, *, content_type: str, filename: str, etag: str
) -> HttpResponseBase:
    """Answer with a file, or with the part of it that a player asks for.

    Args:
        request: GET or HEAD.
        path: the file.
        content_type: of it.
        filename: what it is called where somebody saves it; ASCII.
        etag: changes when the file does; without quotes.

    Raises:
        FileNotFoundError: it is gone.
        UnsatisfiableError: nothing of the part that was asked for exists.
    """
    size = path.stat().st_size
    quoted = f'"{etag}"'
    is_current = request.headers.get("If-Range", quoted) == quoted
    asked = request.headers.get("Range", "") if is_current else ""
    response: HttpResponseBase
    part = parse(asked, size) if request.method == "GET" else None
    whole = Part(0, size - 1)
    if request.method == "HEAD":
        response = HttpResponse(content_type=content_type)
    else:
        response = StreamingHttpResponse(
            _read(path, part or whole),
            status=206 if part else 200,
            content_type=content_type,
        )
    if part is not None:
        response["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
    response["Content-Length"] = str((part or whole).n_bytes)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = quoted
    response["Content-Disposition"] = f'inline; filename="{filename}"'
    # Somebody's conversation: no cache keeps it, so that deleted is deleted.
    response["Cache-Control"] = "private, no-store"
    return response


async def _read(path: Path, part: Part) -> AsyncIterator[bytes]:
    """Yield a part of a file, off the event loop."""
    left = part.n_bytes
    file = await asyncio.to_thread(path.open, "rb")
    try:
        await asyncio.to_thread(file.seek, part.first)
        while left and (
            chunk := await asyncio.to_thread(file.read, min(CHUNK_BYTES, left))
        ):
            left -= len(chunk)
            yield chunk
    finally:
        file.close()
