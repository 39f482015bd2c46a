"""The YAML files of EasyOCR's CRAFT trainer: `syn_train.yaml` and `custom_data_train.yaml`."""

from __future__ import annotations

from typing import Any

from config.easyocr_rules import Dialect, Handled, Ignored, Moved, Only, Rule
from config.easyocr_translation import Translation
from config.errors import UserError
from config.explain import show
from config.schema.detection import DetectionConfig

_FILE_MARKS = {"wandb_opt", "data_dir", "data_root_dir", "score_gt_dir"}
_TRAIN_MARKS = {"backbone", "dataset", "real_dataset", "use_synthtext", "synth_data_dir", "amp"}
_WEAK_MARKS = ("mode", "data_root_dir", "train.real_dataset")

_TRAIN_FOLDERS = {"images": "ch4_training_images", "labels": "ch4_training_localization_transcription_gt"}
_TEST_FOLDERS = {
    "icdar2013": {"images": "Challenge2_Test_Task12_Images", "labels": "Challenge2_Test_Task1_GT"},
    "icdar2015": {"images": "ch4_test_images", "labels": "ch4_test_localization_transcription_gt"},
}


def _is_weak(file: Translation) -> bool:
    return any(file.get(key) is not None for key in _WEAK_MARKS)


def _initial_weights(file: Translation) -> None:
    if file.has("train.ckpt_path"):
        file.put("train.ckpt_path", file.take("train.ckpt_path"), "train.ckpt_path")
    # EasyOCR's network starts from ImageNet's VGG wherever no checkpoint replaces it.
    file.put("model.backbone_weights", "imagenet" if file.get("train.ckpt_path") is None else "none")


def _character_boxes(file: Translation) -> None:
    wanted = file.take("train.dataset")
    if wanted is not None and (not isinstance(wanted, list) or any(item != "synthtext" for item in wanted)):
        raise file.fail("train.dataset", f"is {show(wanted)}, but must be ['synthtext'] or []")
    key = "train.synth_data_dir" if _is_weak(file) else "data_dir.synthtext"
    root = file.take(key)
    if root is None:
        if wanted:
            raise file.fail("train.dataset", f"needs the folder of SynthText in {key}")
        return
    if wanted == []:
        return
    file.put("train.datasets.0.format", "synthtext", key)
    file.put("train.datasets.0.root", root, key)
    for theirs, ours in {"data_dir.synthtext_gt": "gt", "train.data.syn_sample": "samples"}.items():
        if file.has(theirs):
            file.put(f"train.datasets.0.{ours}", file.take(theirs), theirs)


def _word_boxes(file: Translation) -> None:
    if not _is_weak(file):
        return
    if file.get("data_root_dir") is None:
        place = file.origins.find(()).place
        raise UserError(f"{place}: data_root_dir is missing; it is the folder that holds {_TRAIN_FOLDERS['images']}")
    file.put("train.weak.datasets.0.format", "icdar2015", "data_root_dir")
    file.put("train.weak.datasets.0.root", file.take("data_root_dir"), "data_root_dir")
    for key, folder in _TRAIN_FOLDERS.items():
        file.put(f"train.weak.datasets.0.{key}", folder)
    if not file.has("train.use_synthtext"):
        file.put("train.weak.use_synthtext", False)
    file.put("train.weak.crop_margin", 0.0)  # there words are cut out tightly


def _evaluations(file: Translation) -> None:
    names = dict.fromkeys(path[1] for path in file.values if path[0] == "test" and len(path) > 2)
    for name in names:
        source = ("test", name, "test_data_dir")
        root = file.take(source)
        if root is None:
            raise file.fail(source, "is missing; it is the folder of the images and labels")
        layout = "icdar2013" if name == "icdar2013" else "icdar2015"
        for key, value in {"format": layout, "root": root}.items():
            file.put(("test", name, "dataset", key), value, source)
        for key, folder in _TEST_FOLDERS[layout].items():
            file.put(("test", name, "dataset", key), folder)
    if names:
        file.native["test"] = {name: file.native["test"][name] for name in names}  # in the file's order


_SAME = (
    *("results_dir", "vis_test_dir", "train.eval_interval", "train.batch_size", "train.st_iter", "train.end_iter"),
    *("train.lr", "train.lr_decay", "train.gamma", "train.weight_decay", "train.num_workers"),
    *("train.loss", "train.neg_rto", "train.n_min_neg", "train.data.output_size", "train.data.mean"),
    *("train.data.enlarge_region", "train.data.enlarge_affinity"),
    *("train.data.gauss_init_size", "train.data.gauss_sigma"),
    *("test.*.text_threshold", "test.*.low_text", "test.*.link_threshold"),
    *("test.*.canvas_size", "test.*.mag_ratio", "test.*.poly", "test.*.vis_opt"),
)

_RULES: dict[str, Rule] = {
    **{key: Moved(key) for key in _SAME},
    "train.data.variance": Moved("train.data.std"),
    "train.data.syn_aug": Moved("train.data.augment"),
    "train.amp": Moved("amp", {True: "bf16", False: "off"}),
    "train.ckpt_path": Handled(_initial_weights, "train.ckpt_path"),
    "train.backbone": Only("vgg", "model.backbone"),
    "train.dataset": Handled(_character_boxes, "train.datasets"),
    "data_dir.synthtext": Handled(_character_boxes),
    "data_dir.synthtext_gt": Handled(_character_boxes),
    "train.synth_data_dir": Handled(_character_boxes),
    "train.data.syn_sample": Handled(_character_boxes, "train.datasets.0.samples"),
    "mode": Only("weak_supervision"),
    "train.real_dataset": Only("custom"),
    "train.data.watershed.version": Only("skimage"),
    "data_root_dir": Handled(_word_boxes, "train.weak.datasets.0.root"),
    "train.data.do_not_care_label": Moved("train.weak.datasets.0.do_not_care_label", when=_is_weak),
    "train.data.custom_sample": Moved("train.weak.datasets.0.samples", when=_is_weak),
    "train.use_synthtext": Moved("train.weak.use_synthtext", when=_is_weak),
    "train.synth_ratio": Moved("train.weak.synth_ratio", when=_is_weak),
    "train.data.watershed.sure_fg_th": Moved("train.weak.sure_fg_th", when=_is_weak),
    "train.data.watershed.sure_bg_th": Moved("train.weak.sure_bg_th", when=_is_weak),
    "train.data.custom_aug": Moved("train.weak.custom_aug", when=_is_weak),
    "train.data.pseudo_vis_opt": Moved("train.weak.pseudo_vis_opt", when=_is_weak),
    "test.trained_model": Moved("trained_model"),
    "test.*.test_data_dir": Handled(_evaluations),
    "wandb_opt": Ignored("metrics go to TensorBoard and metrics.jsonl"),
    "score_gt_dir": Ignored("an evaluation runs the network; it reads no saved score maps"),
    "train.data.vis_opt": Ignored("check.py --draw draws samples"),
    "test.*.test_set_size": Ignored("the images are counted"),
    "test.*.cuda": Ignored("the device is chosen once, by `device`"),
}


def _marks(data: dict[str, Any]) -> bool:
    train = data.get("train")
    in_train = _TRAIN_MARKS & set(train) if isinstance(train, dict) else set()
    return bool(_FILE_MARKS & set(data)) or len(in_train) > 1


CRAFT = Dialect("EasyOCR's trainer", DetectionConfig, _RULES, _marks, none_is_null=True)
