"""The ground truth of a SynthText dataset: the common interface of `gt.mat` and of the generator's `.h5` files."""

from __future__ import annotations

from pathlib import Path

from config.errors import UserError
from config.schema.datasets import SynthTextDataset
from data.readers.listing import natural_key
from data.readers.synthtext_h5 import H5Source
from data.readers.synthtext_mat import MatSource

H5_SUFFIXES = (".h5", ".hdf5")


Source = MatSource | H5Source
"""A ground truth and the images it describes; cheap to pickle. `label` is its path for messages, `files` are those that
hold the annotations, and `index_home` is the folder beside it that its index belongs into. `fill` writes all of them
into the columns of a `Spool`, an entry for each image. `path` returns the file of an image by its name, None where it
has none of its own; `image` its pixels, uint8 [H, W, 3] RGB, or raises `UnreadableSample`."""


def find_source(config: SynthTextDataset) -> Source:
    """Find the ground truth by the keys `root` and `gt`.

    Raises:
        UserError: one of them is missing.
    """
    root = Path(config.root).expanduser()
    if not root.is_dir():
        raise UserError(f"{root}: this data root is not a folder; set the dataset's `root` to the folder of SynthText")
    if config.gt is None:
        if (root / "gt.mat").is_file():
            return MatSource(root, root / "gt.mat")
        files = [path for path in root.iterdir() if path.suffix.lower() in H5_SUFFIXES and path.name[0] != "."]
        if not files:
            raise UserError(f"{root}: holds neither gt.mat nor .h5 files; name the ground truth with the key `gt`")
        return H5Source(sorted(files, key=lambda path: natural_key(path.name)), root / "h5.index", str(root))
    gt = Path(config.gt).expanduser()
    if not gt.exists() and (root / gt).exists():
        gt = root / gt
    if not gt.is_file():
        raise UserError(f"{gt}: this ground truth is not a file; set the dataset's `gt` to gt.mat or an .h5 file")
    if gt.suffix.lower() in H5_SUFFIXES:
        return H5Source([gt], gt.with_name(f"{gt.name}.index"), str(gt))
    return MatSource(root, gt)
