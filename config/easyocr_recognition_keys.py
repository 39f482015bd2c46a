"""The keys of EasyOCR's recognition trainer and where each one went; `config/easyocr_recognition.py` applies them."""

from __future__ import annotations

MOVED = {
    "experiment_name": "name",
    "manualSeed": "seed",
    "workers": "train.num_workers",
    "num_iter": "train.end_iter",
    "valInterval": "train.eval_interval",
    "lr": "train.lr",
    "grad_clip": "train.grad_clip",
    "total_data_usage_ratio": "train.total_data_usage_ratio",
    "imgH": "train.data.height",
    "imgW": "train.data.max_width",
    "output_channel": "model.output_channel",
    "hidden_size": "model.hidden_size",
}
"""Keys whose value is the same here."""

SWITCHES = {
    "sensitive": ("case", {True: "keep", False: "lower"}),
    "PAD": ("train.data.keep_ratio", {True: True, False: False}),
    "data_filtering_off": ("unknown", {True: "remove", False: "drop"}),
    "new_prediction": ("train.ckpt_prediction", {True: "new", False: "keep"}),
}
"""Keys that are true or false, and what the two become."""

ONLY_VALUE = {
    "Transformation": "None",
    "FeatureExtraction": "VGG",
    "SequenceModeling": "BiLSTM",
    "Prediction": "CTC",
}

CHARACTERS = ("number", "symbol", "lang_char")
"""Texts that together are the alphabet, in this order."""

FROZEN = {
    "freeze_FeatureFxtraction": "FeatureExtraction",
    "freeze_FeatureExtraction": "FeatureExtraction",
    "freeze_SequenceModeling": "SequenceModeling",
}
"""Switches that freeze a part; the first is how EasyOCR spells it."""

OPTIMIZER_CONSTANTS = {"adadelta": {"rho": 0.95, "eps": 1e-8}, "adam": {"beta1": 0.9}}
"""What the optimisers have here; another value is ignored with a warning."""

TRANSLATED = (
    "train_data",
    "select_data",
    "batch_ratio",
    "batch_size",
    "batch_max_length",
    "valid_data",
    "saved_model",
    "FT",
    "optim",
    "rgb",
    "contrast_adjust",
    "input_channel",
    "decode",
    "beta1",
    "rho",
    "eps",
)
"""Keys that become part of a dataset, whose value is written otherwise here, or whose meaning hangs on others."""

MEANINGLESS = ("num_fiducial",)

REPEATED = frozenset({"contrast_adjust"})
"""Keys that EasyOCR's own file gives twice."""

KNOWN = (*MOVED, *SWITCHES, *ONLY_VALUE, *CHARACTERS, *FROZEN, *TRANSLATED, *MEANINGLESS)

MARKS = {
    *("experiment_name", "train_data", "valid_data", "manualSeed", "valInterval", "num_iter", "select_data"),
    *("batch_max_length", "lang_char", "imgH", "imgW", *ONLY_VALUE),
}
"""Keys that no other file has; one of them may be a slip, several are such a file."""

BEAM_WIDTH = 2
"""Hypotheses of the trainer's beam search."""

SYNONYMS = (
    {theirs: ours for theirs, ours in MOVED.items() if theirs != ours}
    | {theirs: ours for theirs, (ours, _) in SWITCHES.items()}
    | dict.fromkeys(FROZEN, "model.freeze")
    | dict.fromkeys(CHARACTERS, "characters")
    | {
        "rgb": "train.data.channels",
        "batch_max_length": "max_length",
        "train_data": "train.datasets",
        "select_data": "train.datasets",
        "valid_data": "test",
        "saved_model": "train.ckpt_path",
        "optim": "train.optimizer",
    }
)
"""Where a key went, for those who write it into a native file."""
