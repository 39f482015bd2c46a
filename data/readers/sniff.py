"""Recognises files of the wrong kind: a web page, a Git LFS pointer, another format."""

from __future__ import annotations

from pathlib import Path

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def what_is(head: bytes) -> str | None:
    """Return what kind of file begins with these bytes, or None if that is unknown.

    Args:
        head: the first bytes of the file; 520 are enough for every kind.
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower()
    if not head:
        return "an empty file"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the file itself (run `git lfs pull`)"
    if start.startswith((b"<!doctype", b"<html", b"<head")):
        return "a web page, which a failed download left behind (download it again)"
    if head.startswith(b"MATLAB 7.3") or head[512:520] == _HDF5_SIGNATURE:
        return "a MATLAB v7.3 file (HDF5)"
    if head.startswith(_HDF5_SIGNATURE):
        return "an HDF5 file"
    if head.startswith(b"MATLAB 5.0"):
        return "a MATLAB v5 file"
    if head.startswith(b"PK\x03\x04"):
        return "a zip archive (unpack it first)"
    if head.startswith(b"\x1f\x8b"):
        return "a gzip archive (unpack it first)"
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in head):
        return "a text file"
    return None


def what_is_file(path: Path) -> str | None:
    """Return what kind of file `path` is; see `what_is`."""
    with path.open("rb") as file:
        return what_is(file.read(520))
