"""The output side of a recogniser: the classes it scores, what it is trained on, its loss, and how scores become text.

The network turns pictures into scores and does not depend on the characters. Everything that depends on the decoding
method (CTC, or one character after the other with an end) belongs to the head, which the training loop, the datasets
and the evaluation use.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn


@dataclass(frozen=True)
class Reading:
    """A text read from a picture.

    Attributes:
        text: the characters.
        confidence: 0..1. With CTC it is EasyOCR's number (see `utils.decode.ctc.reading.easyocr_confidence`), of the
            best path, whatever way of decoding found the text, as in EasyOCR.
        probability: P(text | picture) of the network, 0..1; with CTC summed over all placements of the text on the time
            steps. Long texts have small ones: it compares texts of one picture, not pictures.
    """

    text: str
    confidence: float
    probability: float


class Characters(Protocol):
    """An ordered list of characters (`data.recognition.alphabet.Alphabet`); the first one is class 1."""

    def __len__(self) -> int: ...

    def encode(self, text: str) -> list[int]:
        """Return the class of each character, from 1 on."""
        ...

    def decode(self, classes: Sequence[int]) -> str:
        """Return the characters of classes; class 0 is left out."""
        ...


class Head(ABC):
    """Classes, targets, loss and decoder of a recogniser.

    The classes 1 to N are the characters of the alphabet. Class 0 is no character, nor are those after N.

    Attributes:
        specials: what the classes that are no character mean, for messages: class 0, then those after the characters.
        can_search: whether `search` is there: `decode: beam` and `lexicon` of a test can be used.
        empty_remark: what to tell where every reading is empty, as in the beginning of training; "" tells nothing.

    Args:
        alphabet: the characters.
    """

    specials: ClassVar[tuple[str, ...]]
    can_search: ClassVar[bool] = False
    empty_remark: ClassVar[str] = ""

    def __init__(self, alphabet: Characters) -> None:
        self.alphabet = alphabet

    @property
    def num_class(self) -> int:
        """Number of classes that the network scores."""
        return len(self.alphabet) + len(self.specials)

    def encode(self, text: str) -> list[int]:
        """Return the target of a label: classes, which a batch pads with 0.

        Raises:
            KeyError: a character is not in the alphabet.
        """
        return self.alphabet.encode(text)

    def required_steps(self, text: str) -> int:
        """Return the least number of time steps (`Recognizer.output_length`) that a label takes; 0 if any will do."""
        return 0

    @abstractmethod
    def loss(
        self, model: nn.Module, images: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Sequence[int]
    ) -> dict[str, Tensor]:
        """Run the network on a batch.

        Args:
            model: the network, or a wrapper that is called like it.
            images: normalised, float [B, channels, H, W].
            lengths: int64 [B] on the CPU, time steps of each picture's own width.
            targets: int64 [B, L] on the device: what `encode` returned, padded with 0.
            target_lengths: int [B] on the CPU, the length of each target.

        Returns:
            Scalars on the device, means over the samples: `loss` is minimised, the others are logged. `zeroed_share`,
            where it is among them, is the share of labels that teach nothing for want of time steps, and ends the run
            above `train.max_zeroed`.
        """

    @abstractmethod
    def decode(self, scores: Tensor, lengths: Tensor) -> list[Reading]:
        """Read a batch by the best class of each step.

        Args:
            scores: logits of the network in eval mode, float32 [B, T, classes].
            lengths: int64 [B] on the CPU, time steps of each picture's own width.
        """

    def search(self, scores: Tensor, lengths: Tensor, *, beam_width: int, lexicon: Any = None) -> list[Reading]:
        """Read a batch by the most probable text, or by the most probable word of a list.

        Args:
            scores: logits of the network in eval mode, float32 [B, T, classes].
            lengths: int64 [B] on the CPU, time steps of each picture's own width.
            beam_width: number of hypotheses that are kept at each step.
            lexicon: a `utils.decode.ctc.lexicon.Lexicon`; None admits any text.
        """
        raise NotImplementedError
