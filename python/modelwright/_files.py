"""Files are written whole or not at all."""

from __future__ import annotations

import os
import shutil
from typing import IO, Any

from ._errors import OptionError, WorkError, data_error


def check_ending(path: str | os.PathLike[str], *endings: str, hint: str | None = None) -> str:
    """The ending of a file's name, in small letters: one of these, or none."""
    found = os.path.splitext(os.fspath(path))[1].lower()
    if found and found not in endings:
        raise data_error(
            "what is written is of another form than the file's name says",
            source=os.fspath(path),
            expected=f"a name that ends in {' or '.join(endings)}",
            got=found,
            hint=hint,
            cls=OptionError,
        )
    return found


def check_page(path: str | os.PathLike[str]) -> None:
    """Refuses a name for a page that says something else."""
    check_ending(path, ".html", ".htm", hint="browsers open the page, and print it as PDF")


def write(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Replace a file; one that was there stays as it was until the new one is complete."""
    name = os.path.realpath(os.fspath(path))
    try:
        if os.path.exists(name) and not os.path.isfile(name):
            # A device or a pipe takes what it is given; a folder says that it is none.
            with open(name, "wb") as device:
                device.write(_bytes(content))
            return
        _replace(name, _bytes(content))
    except OSError as cause:
        raise data_error(
            "cannot write the file",
            source=os.fspath(path),
            got=cause.strerror or str(cause),
            hint="make sure that the folder is there, can be written and has room",
            cls=WorkError,
        ) from cause


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _replace(name: str, data: bytes) -> None:
    beside = f"{name}.{os.getpid()}.part"
    try:
        file: IO[Any]
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(name):
            shutil.copymode(name, beside)
        os.replace(beside, name)
    except BaseException:
        if os.path.exists(beside):
            os.remove(beside)
        raise
