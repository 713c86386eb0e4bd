"""Files that commands write for people and other programs."""

import os
from pathlib import Path

from shopstream.failures import CommandWronglyCalled


def require_writable(path: Path) -> None:
    """Raises `CommandWronglyCalled` when the file could not be written; asked before a long run, not after it."""
    if path.is_dir():
        raise CommandWronglyCalled(f"{path} is a folder; give a file to write")
    if not path.parent.is_dir():
        raise CommandWronglyCalled(f"{path} cannot be written: there is no folder {path.parent}; make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CommandWronglyCalled(f"{path} may not be written by this user; give another file")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that whoever reads it meets the old or the new content, never half of it."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)
