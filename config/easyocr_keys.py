"""The keys of EasyOCR's CRAFT trainer and where each one went; facts only, `config/easyocr.py` applies them.

A `*` stands for the name of an evaluation.
"""

from __future__ import annotations

MOVED = {
    "results_dir": "results_dir",
    "vis_test_dir": "vis_test_dir",
    "train.ckpt_path": "train.ckpt_path",
    "train.eval_interval": "train.eval_interval",
    "train.batch_size": "train.batch_size",
    "train.st_iter": "train.st_iter",
    "train.end_iter": "train.end_iter",
    "train.lr": "train.lr",
    "train.lr_decay": "train.lr_decay",
    "train.gamma": "train.gamma",
    "train.weight_decay": "train.weight_decay",
    "train.num_workers": "train.num_workers",
    "train.loss": "train.loss",
    "train.neg_rto": "train.neg_rto",
    "train.n_min_neg": "train.n_min_neg",
    "train.data.output_size": "train.data.output_size",
    "train.data.mean": "train.data.mean",
    "train.data.variance": "train.data.std",
    "train.data.enlarge_region": "train.data.enlarge_region",
    "train.data.enlarge_affinity": "train.data.enlarge_affinity",
    "train.data.gauss_init_size": "train.data.gauss_init_size",
    "train.data.gauss_sigma": "train.data.gauss_sigma",
    "train.data.syn_aug": "train.data.augment",
    "test.trained_model": "trained_model",
}
"""Keys whose value, a whole section's too, is the same here."""

MOVED_WEAK = {
    "train.use_synthtext": "train.weak.use_synthtext",
    "train.synth_ratio": "train.weak.synth_ratio",
    "train.data.watershed.sure_fg_th": "train.weak.sure_fg_th",
    "train.data.watershed.sure_bg_th": "train.weak.sure_bg_th",
    "train.data.custom_aug": "train.weak.custom_aug",
    "train.data.pseudo_vis_opt": "train.weak.pseudo_vis_opt",
}
"""The same for the keys of weak supervision."""

MOVED_TEST = ("text_threshold", "low_text", "link_threshold", "canvas_size", "mag_ratio", "poly", "vis_opt")
"""Keys of an evaluation that are the same here."""

TRANSLATED = (
    "data_dir.synthtext",
    "data_dir.synthtext_gt",
    "data_root_dir",
    "mode",
    "train.backbone",
    "train.dataset",
    "train.real_dataset",
    "train.synth_data_dir",
    "train.amp",
    "train.data.do_not_care_label",
    "train.data.syn_sample",
    "train.data.custom_sample",
    "train.data.watershed.version",
    "test.*.test_data_dir",
)
"""Keys that become part of a dataset, whose value is written otherwise here, or that have one value only."""

MEANINGLESS = ("wandb_opt", "score_gt_dir", "train.data.vis_opt", "test.*.test_set_size", "test.*.cuda")

KNOWN = (*MOVED, *MOVED_WEAK, *TRANSLATED, *MEANINGLESS, *(f"test.*.{key}" for key in MOVED_TEST))
SECTIONS = {known.rsplit(".", depth)[0] for known in KNOWN for depth in range(1, known.count(".") + 1)}

FILE_MARKS = {"wandb_opt", "data_dir", "data_root_dir", "score_gt_dir"}
TRAIN_MARKS = {"backbone", "dataset", "real_dataset", "use_synthtext", "synth_data_dir", "amp"}
WEAK_MARKS = ("mode", "data_root_dir", "train.real_dataset")
ONLY_VALUE = {
    "mode": "weak_supervision",
    "train.backbone": "vgg",
    "train.real_dataset": "custom",
    "train.data.watershed.version": "skimage",
}

TRAIN_FOLDERS = {"images": "ch4_training_images", "labels": "ch4_training_localization_transcription_gt"}
TEST_FOLDERS = {
    "icdar2013": {"images": "Challenge2_Test_Task12_Images", "labels": "Challenge2_Test_Task1_GT"},
    "icdar2015": {"images": "ch4_test_images", "labels": "ch4_test_localization_transcription_gt"},
}

SYNONYMS = {theirs: ours for theirs, ours in (MOVED | MOVED_WEAK).items() if theirs != ours} | {
    "train.amp": "amp",
    "train.backbone": "model.backbone",
    "train.dataset": "train.datasets",
    "data_root_dir": "train.weak.datasets.0.root",
    "train.data.do_not_care_label": "train.weak.datasets.0.do_not_care_label",
    "train.data.syn_sample": "train.datasets.0.samples",
    "train.data.custom_sample": "train.weak.datasets.0.samples",
}
"""Where a key went, for those who write it into a native file."""
