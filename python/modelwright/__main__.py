"""``python -m modelwright``: the command line, as it comes with the package."""

from __future__ import annotations

import os
import sys

from ._modelwright import command_line


def main() -> None:
    """Does what the arguments ask and ends the process with the command's exit code."""
    code = command_line(["modelwright", *sys.argv[1:]])
    sys.stdout.flush()
    # Nothing of Python is left to be tidied up, and worker threads need not be waited for.
    os._exit(code)


if __name__ == "__main__":
    main()
