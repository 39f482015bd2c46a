"""Settings of the networks that find words, and of those that read them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.schema.base import Options, PositiveInt, Section


class DetectorModel(Section):
    """A detector: CRAFT (Baek et al., CVPR 2019) on VGG16 with batch normalisation, or another one by its name."""

    name: str = "craft"
    """`craft`, or the name of a detector that a file in `model/` registers."""

    options: Options = {}
    """Options of the detector, if it has any."""

    backbone: Literal["vgg16_bn"] = "vgg16_bn"
    """Feature extractor of `craft`."""

    width: Annotated[float, Field(gt=0, le=4)] = 1.0
    """Multiplier of every channel count, rounded to multiples of 8. 1.0 is the published CRAFT (20,770,466
    parameters); 0.25 trains on a laptop."""

    backbone_weights: str = "none"
    """`imagenet` (torchvision's VGG16-BN, downloaded once), the path of such a file, or `none`."""


class RecognizerModel(Section):
    """A recogniser. The built-in ones are convolutions and a BiLSTM along the width, trained with CTC."""

    architecture: str = "vgg_bilstm_ctc"
    """`vgg_bilstm_ctc`: EasyOCR's and deep-text-recognition-benchmark's None-VGG-BiLSTM-CTC (3,781,345 parameters for
    96 characters; W/4 - 1 time steps). `residual_crnn`: mltu's residual network (252,351 for 62 characters; 8 or 1
    time steps per 4 pixels, see `reading`). `crnn_digits`: a small network for digits, codes and short words on a CPU
    (194,171 for 10 characters; W/4 time steps). The last two need pictures 32 pixels high. Or the name of a recogniser
    that a file in `model/` registers."""
    architecture_options: Options = {}
    """Options of a registered recogniser that are not among the settings below."""
    input_channel: Literal[1, 3] | None = None
    """1 for grey pictures, 3 for RGB; null uses 1, for `residual_crnn` 3."""
    output_channel: Annotated[int, Field(gt=0, multiple_of=8)] | None = None
    """Channels of the last convolutions; null uses 256, for `residual_crnn` 64 and for `crnn_digits` 128. (512 is
    deep-text-recognition-benchmark's.)"""
    hidden_size: PositiveInt | None = None
    """Units of each direction of the BiLSTM; null uses 256 for `vgg_bilstm_ctc` and 64 for the others."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Dropout probability in training: before the BiLSTM, for `residual_crnn` after every block. Null uses 0, for
    `residual_crnn` 0.2."""
    reading: Literal["rows", "columns", "mean"] | None = None
    """Order in which the 8 rows of features of `residual_crnn` become time steps. `rows`, as the network was published:
    row after row, each from left to right. `columns`: column after column, each from top to bottom. `mean`: the average
    of the rows, with an eighth of the time steps. Null uses `rows`."""
    freeze: list[str] = []
    """Parts whose weights and batch-norm statistics are not trained: `FeatureExtraction` (the convolutions),
    `SequenceModeling` (the BiLSTM); registered recognisers may have other names."""

    @model_validator(mode="after")
    def _reading_has_rows(self) -> RecognizerModel:
        if self.reading is not None and self.architecture != "residual_crnn":
            raise ValueError(f"reading ({self.reading}) is of residual_crnn only, not of {self.architecture}; set null")
        return self
