"""Where annotated images come from: one section per format, told apart by `format`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.schema.base import Section, UnitFloat


class DatasetBase(Section):
    """What every dataset has."""

    samples: Annotated[int, Field(ge=-1)] = -1
    """Use only so many samples, spread evenly over the dataset; -1 uses all."""

    max_dropped: UnitFloat = 0.01
    """Greatest share of words that may be left out as faulty before the run refuses to start."""


class SynthTextDataset(DatasetBase):
    """SynthText (Gupta et al., CVPR 2016): images with word and character boxes."""

    format: Literal["synthtext"] = "synthtext"

    root: str
    """Folder that the image paths of the ground truth start from; for `.h5` files, the folder that holds them."""

    gt: str | None = None
    """`gt.mat` (MATLAB v5) or an `.h5` file of the SynthText generator; null takes `root/gt.mat`, or every
    `.h5` of `root` where there is no `gt.mat`."""

    index_dir: str | None = None
    """Folder for the memory-mapped index made from the ground truth; null keeps it beside the ground truth, or in the
    user's cache folder where that one cannot be written."""


class IcdarDataset(DatasetBase):
    """Images and one text file of word boxes for each, as the ICDAR competitions publish them."""

    format: Literal["icdar2015", "icdar2013"] = "icdar2015"
    """`icdar2015`: `x1,y1,x2,y2,x3,y3,x4,y4,text`. `icdar2013`: `left, top, right, bottom, "text"`, with commas
    or spaces."""

    root: str
    """Folder that holds the two folders below."""

    images: str = "ch4_test_images"
    """Folder of the images, inside `root`."""

    labels: str = "ch4_test_localization_transcription_gt"
    """Folder of the label files, inside `root`; `gt_NAME.txt` or `NAME.txt` belongs to the image `NAME.*`."""

    select: str | None = None
    """Take only images whose name ends in a number of this inclusive range, such as `901-1000`."""

    do_not_care_label: list[str] = ["###", ""]
    """Transcriptions that mark a word as "don't care"."""


Dataset = Annotated[SynthTextDataset | IcdarDataset, Field(discriminator="format")]
