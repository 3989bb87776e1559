"""Files are written whole or not at all."""

from __future__ import annotations

import os
import shutil
from typing import IO, Any

from ._errors import WorkError, data_error


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
