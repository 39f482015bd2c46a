"""The head of recognisers trained with CTC: a character or the blank at each time step (Graves et al., ICML 2006)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from data.recognition.alphabet import Alphabet
from data.recognition.label_room import required_steps
from loss.ctc import CTCLoss
from model.head import Head, Reading
from utils.decode.ctc.beam import decode_beam
from utils.decode.ctc.lexicon import Lexicon
from utils.decode.ctc.reading import decode_greedy


class CtcHead(Head):
    """CTC: class 0 is the blank."""

    specials = ("the blank",)
    can_search = True
    empty_remark = (
        "This is normal early in CTC training: the blank is learnt first (blank_share near 1, the loss hardly falls), "
        "the characters after a few hundred to a few thousand iterations. If it does not change, try other learning "
        "rates (check.py --find-lr FILE.png) and check the labels (check.py --draw FILE.png)"
    )

    alphabet: Alphabet

    def __init__(self, alphabet: Alphabet) -> None:
        super().__init__(alphabet)
        self._criterion = CTCLoss()

    def required_steps(self, text: str) -> int:
        return required_steps(text)

    def loss(
        self, model: nn.Module, images: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Sequence[int]
    ) -> dict[str, Tensor]:
        """Compute the CTC loss; see `Head.loss`.

        Args:
            model: the network, or a wrapper that is called like it; it returns logits [B, T, classes].
            images: normalised, float [B, channels, H, W].
            lengths: int64 [B] on the CPU, time steps of each picture's own width.
            targets: int64 [B, L] on the device, classes from 1 on, padded with 0.
            target_lengths: int [B] on the CPU.

        Returns:
            `loss`, `blank_share` and `zeroed_share`, each a scalar on the device.
        """
        parts = self._criterion(model(images, lengths), lengths, targets, target_lengths)
        return {"loss": parts.loss, "blank_share": parts.blank_share, "zeroed_share": parts.zeroed_share}

    def decode(self, scores: Tensor, lengths: Tensor) -> list[Reading]:
        """Read logits, float32 [B, T, classes], of `lengths` time steps, int64 [B] on the CPU, by the best path."""
        return decode_greedy(scores, lengths, self.alphabet)

    def search(
        self, scores: Tensor, lengths: Tensor, *, beam_width: int, lexicon: Lexicon | None = None
    ) -> list[Reading]:
        """Read logits, float32 [B, T, classes], of `lengths` time steps, int64 [B] on the CPU.

        The result is the most probable text of a beam search of `beam_width`, or the most probable word of `lexicon`.
        """
        return decode_beam(scores, lengths, self.alphabet, beam_width=beam_width, lexicon=lexicon)
