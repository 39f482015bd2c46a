"""Finding images and their label files in folders."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Collection, Sequence, Sized
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath, PureWindowsPath

from config.errors import UserError, nearest
from data.reader import DropReport

_NO_SUCH_FOLDER = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL})


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return a sort key that puts `img_2` before `img_10`; the name itself decides between equal keys."""
    # Odd positions hold the digits, so that text is only ever compared with text.
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if odd % 2 else part.casefold() for odd, part in enumerate(parts)], name


def leaves_folder(name: str) -> bool:
    """Tell whether a relative path could lead out of its folder (absolute, `..`, a drive), on any system."""
    if not name or "\0" in name:
        return True
    if ".." not in name and ":" not in name and name[0] not in "/\\":  # a quick test first, for millions of names
        return False
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    return posix.is_absolute() or bool(windows.drive or windows.root) or ".." in windows.parts


IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"})


def subfolder(root: str, name: str, key: str) -> Path:
    """Return the folder `name` of a data root; raise `UserError` if it does not exist.

    Args:
        root: the dataset's `root`.
        name: value of the dataset's option `key`.
    """
    data_root = Path(root).expanduser()
    if not data_root.is_dir():
        raise UserError(f"{data_root}: this data root is not a folder; set the dataset's `root`")
    folder = data_root / name
    if not folder.is_dir():
        near = nearest(name, [path.name for path in data_root.iterdir() if path.is_dir()])
        hint = f"did you mean '{near}'?" if near else f"set the dataset's `{key}` to a folder inside `root`"
        raise UserError(f"{folder}: this folder of {key} does not exist; {hint}")
    return folder


def label_path(root: str, name: str) -> Path:
    """Return the label file `name` of a data root; raise `UserError` if it does not exist."""
    path = subfolder(root, ".", "root") / name
    if not path.is_file():
        folder = path.parent if path.parent.is_dir() else path.parent.parent
        near = nearest(path.name, visible_files(folder)) if folder.is_dir() else None
        hint = f"did you mean '{near}'?" if near else "set the dataset's `labels` to a file inside `root`"
        raise UserError(f"{path}: this label file does not exist; {hint}")
    return path


def visible_files(folder: Path, suffixes: Collection[str] | None = None) -> list[str]:
    """Return the names of the files in a folder, without hidden ones, in natural order.

    Args:
        suffixes: in lower case; take only names that end in one of these, in any case.
    """
    with os.scandir(folder) as entries:
        names = [
            entry.name
            for entry in entries
            if not entry.name.startswith(".")
            and (suffixes is None or os.path.splitext(entry.name)[1].lower() in suffixes)
            and entry.is_file()
        ]
    return sorted(names, key=natural_key)


def folder_images(folder: Path, pattern: str) -> tuple[list[str], list[str]]:
    """Return the names of the images in a folder that match the pattern, and of all images, in natural order.

    Raises:
        UserError: there are none.
    """
    images = visible_files(folder, IMAGE_SUFFIXES)
    if not images:
        raise UserError(f"{folder}: holds no images; set the dataset's `images` to the folder that does")
    fitting = [name for name in images if fnmatchcase(name, pattern)]
    if not fitting:
        raise UserError(f"{folder}: `image_names: {pattern}` takes none of the {len(images):,} images")
    return fitting, images


def match_labels(
    images: Sequence[str],
    present: Sequence[str],
    folder: Path,
    labels: Path,
    patterns: Sequence[str],
    report: DropReport,
) -> dict[str, str]:
    """Return image name -> name of its label file, for images that have one; count label files without an image.

    Args:
        images: names of the wanted images of `folder`.
        present: names of all images of `folder`.
        labels: folder of the label files.
        patterns: names of label files, with `{name}` for an image's name without suffix; the first that exists counts.

    Raises:
        UserError: two images would share a label file, or none has one.
    """
    stems: dict[str, str] = {}
    for image in images:
        other = stems.setdefault(os.path.splitext(image)[0], image)
        if other != image:
            raise UserError(f"{folder}: {other} and {image} share one label file; rename or remove one")
    patterns = [_lower_suffix(pattern) for pattern in patterns]
    files = {_lower_suffix(name): name for name in visible_files(labels)}
    label_of: dict[str, str] = {}
    for stem, image in stems.items():
        for pattern in patterns:
            label = files.get(pattern.replace("{name}", stem))
            if label is not None:
                label_of[image] = label
                break
    if not label_of:
        wanted = [pattern.replace("{name}", next(iter(stems))) for pattern in patterns]
        raise UserError(
            f"{labels}: no image has a label file here (looked for {' and '.join(wanted)}, and so on); "
            "set the dataset's `labels` to their folder, or `label_names` to what they are called"
        )
    forms = [re.compile("(.+)".join(map(re.escape, pattern.split("{name}"))), re.DOTALL) for pattern in patterns]
    owned = {os.path.splitext(image)[0] for image in present}
    for key, name in files.items():
        owners = [match[1] for match in (form.fullmatch(key) for form in forms) if match]
        if owners and owned.isdisjoint(owners):
            report.drop("image: missing for a label file", name)
    return label_of


def selector(select: str | None) -> Callable[[str], bool]:
    """Return a function that tells whether a name ends in a number of the inclusive range `select`, "901-1000".

    Raises:
        UserError: `select` is no range.
    """
    if select is None:
        return lambda name: True
    limits = re.fullmatch(r"\s*([0-9]+)\s*-\s*([0-9]+)\s*", select)
    if limits is None or int(limits[1]) > int(limits[2]):
        raise UserError(f"`select: {select}` of the dataset is not a range; write it as 901-1000")
    first, last = int(limits[1]), int(limits[2])

    def takes(name: str) -> bool:
        digits = re.search(r"([0-9]+)(\.[^./\\]*)?$", name)
        return digits is not None and first <= int(digits[1]) <= last

    return takes


def check_selected(chosen: Sized, total: int, select: str | None, source: Path) -> None:
    """Raise `UserError` if `select` takes none of the images."""
    if total and not len(chosen):
        raise UserError(f"{source}: `select: {select}` takes none of the {total:,} images")


class ImageFolder:
    """Finds images by the paths in label files. Each folder is read only once.

    Args:
        folder: folder to which the paths are relative.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, frozenset[str]] = {}

    def find(self, path: str) -> tuple[str | None, str]:
        """Return an image's path below the folder, or None and what is wrong.

        An image that is not at its path is looked for by its name in the folder itself.
        """
        path = path.strip().replace("\\", "/")
        name = path.rsplit("/", 1)[-1]
        if not name or name in (".", "..") or "\0" in path:
            return None, "image: its label names no file"
        if not leaves_folder(path):
            clean = PurePosixPath(path)
            if clean.name in self._names(str(clean.parent)):
                return str(clean), ""
        if name in self._names("."):
            return name, ""
        if leaves_folder(path):
            return None, "image: its path leads outside the data root"
        return None, "image: missing"

    def _names(self, parent: str) -> frozenset[str]:
        if parent not in self._known:
            try:
                self._known[parent] = frozenset(os.listdir(self._folder / parent))
            except UnicodeEncodeError:  # half a surrogate pair, which JSON can hold and a file name cannot
                self._known[parent] = frozenset()
            except OSError as error:
                if error.errno not in _NO_SUCH_FOLDER:
                    raise UserError(
                        f"{self._folder / parent}: this folder of images cannot be read ({error.strerror})"
                    ) from None
                self._known[parent] = frozenset()
        return self._known[parent]


def _lower_suffix(name: str) -> str:
    stem, suffix = os.path.splitext(name)
    return stem + suffix.lower()
