"""Writing `gt.mat` as SynthText has it (Gupta et al., CVPR 2016): MATLAB v5, four cell arrays of one row.

`imnames` {1, N} one path each; `charBB` {1, N} 2 x 4 x C; `wordBB` {1, N} 2 x 4 x W, or 2 x 4 for one word, because
MATLAB drops a last axis of length 1; `txt` {1, N} character arrays, a row for each block of text, padded with spaces,
its words separated by spaces and newlines. Boxes are x and y of four corners in reading order.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.io import savemat


@dataclass(frozen=True)
class SceneAnnotation:
    """The annotation of one image.

    Attributes:
        name: path of the image, relative to the folder of `gt.mat`.
        texts: text of each block.
        word_quads: float32 [W, 4, 2].
        char_quads: float32 [C, 4, 2], the characters of the words in order.
    """

    name: str
    texts: list[str]
    word_quads: np.ndarray
    char_quads: np.ndarray


def gt_mat_bytes(annotations: Sequence[SceneAnnotation]) -> bytes:
    """Return the contents of a `gt.mat`. Equal annotations give equal bytes, because the header has no date."""
    count = len(annotations)
    cells = {key: np.empty((1, count), object) for key in ("imnames", "charBB", "wordBB", "txt")}
    for index, annotation in enumerate(annotations):
        words = np.ascontiguousarray(annotation.word_quads.transpose(2, 1, 0), np.float32)
        cells["imnames"][0, index] = np.array([annotation.name])
        cells["charBB"][0, index] = np.ascontiguousarray(annotation.char_quads.transpose(2, 1, 0), np.float32)
        cells["wordBB"][0, index] = words[:, :, 0] if words.shape[2] == 1 else words
        cells["txt"][0, index] = np.array(annotation.texts)
    buffer = io.BytesIO()
    savemat(buffer, cells, format="5", oned_as="row")
    # The first 116 bytes are free text, in which scipy writes the time.
    text = b"MATLAB 5.0 MAT-file, SynthText ground truth".ljust(116)
    return text + buffer.getvalue()[116:]
