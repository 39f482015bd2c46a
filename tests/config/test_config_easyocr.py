from __future__ import annotations

import logging
from pathlib import Path

import pytest

from config.easyocr_craft import CRAFT
from config.errors import UserError
from config.loader import dump, load_config

FIXTURES = Path(__file__).parent / "fixtures"
SYNTH, CUSTOM = str(FIXTURES / "easyocr_synthtext.yaml"), str(FIXTURES / "easyocr_custom.yaml")


def sentence(*args, **kwargs) -> str:
    with pytest.raises(UserError) as caught:
        load_config(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def edited(tmp_path: Path, original: str, old: str, new: str) -> str:
    text = Path(original).read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return str(path)


def test_the_synthtext_file_becomes_the_recipe():
    """Ours is theirs, but for where the data is and the number of loader processes, which follows the machine."""
    overrides = ["name=syn_train", "data_dir.synthtext=./data_root_dir/SynthText/"]
    overrides += ["test.icdar2013.test_data_dir=./data_root_dir/ICDAR2013/", "train.num_workers=null"]
    assert load_config(SYNTH, overrides, task="detection") == load_config("syn_train")


def test_the_custom_file_becomes_the_recipe_but_for_flip_and_replay():
    overrides = [
        "name=custom_data_train",
        "train.synth_data_dir=./data_root_dir/SynthText/",
        "train.ckpt_path=./exp/syn_train/checkpoints/best.pth",
        "train.num_workers=null",
        "train.use_synthtext=true",
        "train.data.custom_aug.random_horizontal_flip.option=false",
    ]
    ours = ["train.ema_decay=0.0", "train.weak.crop_margin=0.0"]
    assert load_config(CUSTOM, overrides) == load_config("custom_data_train", ours)


def test_nothing_of_weak_supervision_is_lost():
    config = load_config(CUSTOM)
    weak = config.train.weak
    assert (weak.sure_fg_th, weak.sure_bg_th, weak.synth_ratio, weak.use_synthtext) == (0.75, 0.05, 5, False)
    assert weak.custom_aug.random_horizontal_flip.option and weak.custom_aug.random_rotate.option
    assert weak.custom_aug.random_crop.version == "random_resize_crop"
    assert config.train.data.augment.random_crop.version == "random_resize_crop_synth"
    assert [dataset.root for dataset in config.train.datasets] == ["/data/SynthText/"]
    (words,) = weak.datasets
    assert (words.format, words.root, words.images) == ("icdar2015", "./data_root_dir/", "ch4_training_images")
    assert words.labels == "ch4_training_localization_transcription_gt"
    assert words.do_not_care_label == ["###", ""]
    assert config.test["custom_data"].dataset.images == "ch4_test_images"


def test_the_watershed_thresholds_are_honoured():
    overrides = ["train.data.watershed.sure_fg_th=0.6", "train.data.watershed.sure_bg_th=0.1"]
    weak = load_config(CUSTOM, overrides).train.weak
    assert (weak.sure_fg_th, weak.sure_bg_th) == (0.6, 0.1)


def test_the_text_none_is_null(tmp_path):
    """EasyOCR's own file holds `score_gt_dir: None`, which YAML takes for a text."""
    assert "None" not in dump(load_config(CUSTOM))
    path = edited(tmp_path, SYNTH, "ckpt_path: null", "ckpt_path: None")
    config = load_config(path)
    assert (config.train.ckpt_path, config.model.backbone_weights) == (None, "imagenet")


def test_backbone_weights_follow_the_checkpoint():
    assert load_config(SYNTH).model.backbone_weights == "imagenet"
    assert load_config(CUSTOM).model.backbone_weights == "none"
    assert load_config(SYNTH, ["train.ckpt_path=x.pth"]).model.backbone_weights == "none"


@pytest.mark.parametrize(("value", "amp"), [("True", "bf16"), ("False", "off")])
def test_amp(value, amp):
    assert load_config(SYNTH, [f"train.amp={value}"]).amp == amp


def test_formats_of_the_evaluations():
    test = load_config(SYNTH, ["test.mine.test_data_dir=/mine", "test.mine.poly=true"]).test
    dataset = test["icdar2013"].dataset
    assert (dataset.format, dataset.images) == ("icdar2013", "Challenge2_Test_Task12_Images")
    assert (test["mine"].dataset.format, test["mine"].dataset.root, test["mine"].poly) == ("icdar2015", "/mine", True)


def test_one_warning_names_what_means_nothing(caplog):
    with caplog.at_level(logging.WARNING):
        load_config(CUSTOM)
    (record,) = caplog.records
    named = record.getMessage().split(": ")[1].split(", ")
    assert set(named) == {
        "wandb_opt",
        "score_gt_dir",
        "train.data.vis_opt",
        "test.custom_data.test_set_size",
        "test.custom_data.cuda",
    }


def test_native_and_easyocr_overrides_mix():
    overrides = [
        "seed=5",
        "train.data.variance=[0.3, 0.3, 0.3]",
        "train.data.augment.random_rotate.option=true",
        "train.data.syn_aug.random_rotate.max_angle=5",
        "train.datasets.0.samples=7",
        "data_dir.synthtext_gt=/gt.mat",
        "test.icdar2013.dataset.select=1-9",
        "test.trained_model=a.pth",
        "train.batch_size=3",
    ]
    config = load_config(SYNTH, overrides)
    assert config.seed == 5
    assert config.train.data.std == [0.3, 0.3, 0.3]
    rotate = config.train.data.augment.random_rotate
    assert (rotate.option, rotate.max_angle) == (True, 5)
    assert (config.train.datasets[0].samples, config.train.datasets[0].gt) == (7, "/gt.mat")
    assert config.test["icdar2013"].dataset.select == "1-9"
    assert (config.trained_model, config.train.batch_size) == ("a.pth", 3)


# override, how the sentence goes on after the place
MISTAKES = [
    ("train.lr=fast", "train.lr is the text 'fast', but must be a number above 0"),
    ("train.data.variance=[1, 2]", "train.data.variance is [1, 2], but must be a list of 3 numbers, each above 0"),
    ("train.backbone=resnet", "train.backbone is 'resnet', but only 'vgg' is known"),
    ("train.amp=bf16", "train.amp is 'bf16'; write true or false"),
    ("train.dataset=[icdar]", "train.dataset is [\"icdar\"], but must be ['synthtext'] or []"),
    ("data_dir=/x", "there is no key 'data_dir' at the top level; "),
    ("train.data.varience=[1, 1, 1]", "there is no key 'varience' in train.data; "),
    (
        "train.data.syn_aug.random_rotate.angle=3",
        "there is no key 'angle' in train.data.syn_aug.random_rotate; did you mean "
        "'train.data.syn_aug.random_rotate.max_angle'?",
    ),
]


@pytest.mark.parametrize(("override", "start"), MISTAKES)
def test_mistakes_are_told_in_the_files_own_words(override, start):
    assert sentence(SYNTH, [override]).startswith(f"on the command line: {start}")


# a text of the fixture, what replaces it, words of the sentence
FILE_MISTAKES = [
    (
        "  loss: 3",
        "  los: 3",
        "train.los is not a key of EasyOCR's trainer, which this file is written for; did you mean",
    ),
    (
        "wandb_opt: false",
        "wandb: false",
        "wandb is not a key of EasyOCR's trainer, which this file is written for; did you ",
    ),
    ("wandb_opt: false", "seed: 3", "give seed=... on the command line"),
    ("  batch_size: 5", "  batch_size: 0", "train.batch_size is 0, but must be a whole number above 0"),
    ("syn_sample: -1", "syn_sample: -2", "train.data.syn_sample is -2, but must be a whole number, at least -1"),
    ("variance: [0.229,", "variance: [no,", "train.data.variance.0 is the text 'no', but must be a number above 0"),
    ("test_data_dir: /data/ICDAR2013/, ", "", "test.icdar2013.test_data_dir is missing"),
    ("synthtext: /data/SynthText/, ", "", "train.dataset needs the folder of SynthText in data_dir.synthtext"),
    ("max_angle: 20", "max_angel: 20", "there is no key 'max_angel' in train.data.syn_aug.random_rotate; did you mean"),
    ("  st_iter: 0", "  st_iter: 50000", "train.st_iter (50000) must be below end_iter (50000)"),
]


@pytest.mark.parametrize(("old", "new", "words"), FILE_MISTAKES)
def test_mistakes_in_the_file_name_its_line(tmp_path, old, new, words):
    path = edited(tmp_path, SYNTH, old, new)
    text = sentence(path)
    assert words in text
    # A missing key points at the section that lacks it, anything else at its own line.
    if new:
        line = Path(path).read_text(encoding="utf-8").split(new)[0].count("\n") + 1
        assert text.startswith(f"{path}:{line}: ")


def test_weak_supervision_needs_data(tmp_path):
    path = edited(tmp_path, CUSTOM, "data_root_dir: ./data_root_dir/\nresults", "results")
    assert "data_root_dir is missing" in sentence(path)


def test_an_easyocr_file_is_no_generate_configuration():
    assert "task 'detection', but one for task 'generate'" in sentence(SYNTH, task="generate")


def test_the_resolved_configuration_is_native(tmp_path):
    path = tmp_path / "config.yaml"
    config = load_config(CUSTOM)
    path.write_text(dump(config), encoding="utf-8")
    assert load_config(str(path)) == config


@pytest.mark.parametrize("key", sorted(CRAFT.synonyms))
def test_easyocrs_names_in_a_native_file_are_translated_in_the_error(key):
    if key.startswith(("test.", "train.data.watershed")):
        return  # `test.trained_model` is an evaluation's name there, and `watershed` a whole section
    assert CRAFT.synonyms[key] in sentence("syn_train", [f"{key}=1"])
