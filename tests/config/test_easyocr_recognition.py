from __future__ import annotations

import logging
from pathlib import Path

import pytest

from config.easyocr_recognition import RECOGNITION
from config.errors import UserError
from config.loader import dump, load_config

FILE = str(Path(__file__).parent / "fixtures" / "easyocr_recognition.yaml")
NATIVE = """\
task: recognition
name: en_filtered
characters: "0123456789!\\"#$%&'()*+,-./:;<=>?@[\\\\]^_`{|}~ \\u20acABCDEFGHIJKLMNOPQRSTUVWXYZ\\
  abcdefghijklmnopqrstuvwxyz"
model: {architecture: vgg_bilstm_ctc, input_channel: 1, output_channel: 256, hidden_size: 256}
train:
  datasets: [{format: labels_csv, root: all_data/en_train_filtered, max_dropped: 1.0}]
  batch_ratio: [1.0]
  validation: validation
  batch_size: 32
  num_workers: 6
  end_iter: 300000
  eval_interval: 20000
  optimizer: adadelta
  lr: 1.0
  grad_clip: 5
  data: {height: 64, max_width: 600}
test:
  validation:
    dataset: {format: labels_csv, root: all_data/en_val}
"""


def load(*overrides: str, path: str = FILE):
    return load_config(path, overrides, task=("detection", "recognition"))


def sentence(*overrides: str, path: str = FILE, **settings) -> str:
    with pytest.raises(UserError) as caught:
        load_config(path, overrides, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def edited(tmp_path: Path, old: str, new: str) -> str:
    text = Path(FILE).read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return str(path)


def test_the_file_becomes_native(tmp_path) -> None:
    path = tmp_path / "native.yaml"
    path.write_text(NATIVE, encoding="utf-8")
    config = load()
    assert config == load_config(str(path), task="recognition")
    assert (config.task, len(config.characters), config.seed) == ("recognition", 96, 1111)


def test_the_resolved_configuration_is_native(tmp_path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(dump(load()), encoding="utf-8")
    assert load(path=str(path)) == load()


def test_the_task_is_told_by_the_file() -> None:
    assert load_config(FILE).task == "recognition"
    assert "task 'recognition', but one for task 'detection'" in sentence(task="detection")


def test_a_single_slip_does_not_make_a_native_file_easyocrs(tmp_path) -> None:
    path = tmp_path / "slip.yaml"
    path.write_text("task: recognition\nimgH: 32\nimgW: 100\n", encoding="utf-8")
    assert "EasyOCR's 'imgH' is called 'train.data.height' here" in sentence(path=str(path))
    path.write_text("imgH: 32\n", encoding="utf-8")
    assert "EasyOCR's 'imgH' is called 'train.data.height' here" in sentence(path=str(path), task="recognition")


@pytest.mark.parametrize("key", sorted(RECOGNITION.synonyms))
def test_easyocrs_names_in_a_native_file_are_translated_in_the_error(key) -> None:
    assert RECOGNITION.synonyms[key] in sentence(f"{key}=1", path="rec_train")


def test_one_warning_names_what_means_nothing(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        load("beta1=0.5", "rho=0.9", "eps=1e-6", "FT=True", "data_filtering_off=True", "saved_model=a.pth")
    (record,) = caplog.records
    assert set(record.getMessage().split(": ")[1].split(", ")) == {
        "num_fiducial", "rho", "eps", "FT", "batch_max_length",
    }  # fmt: skip
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        load("optim=adam", "beta1=0.5", "rho=0.9")
    assert caplog.records[0].getMessage().split(": ")[1].split(", ") == ["beta1", "num_fiducial"]


def test_contrast_adjust_may_be_there_twice(tmp_path, caplog) -> None:
    """The shipped file says False first and 0.0 later, which is the same; otherwise the last one holds."""
    with caplog.at_level(logging.WARNING):
        assert load().train.data.contrast_adjust == 0.0
        assert "contrast_adjust" not in caplog.text
        path = edited(tmp_path, "contrast_adjust: False", "contrast_adjust: 0.4")
        assert load(path=path).train.data.contrast_adjust == 0.0
        assert f"{path}:32: contrast_adjust was already given in line 29 with another value" in caplog.text
    path = edited(tmp_path, "contrast_adjust: 0.0", "contrast_adjust: 2")
    assert f"{path}:32: contrast_adjust is 2, but must be a number from 0" in sentence(path=path)
    assert "'imgH' was already given in line 26" in sentence(path=edited(tmp_path, "imgW: 600", "imgH: 600"))


def test_selected_folders_and_their_shares(tmp_path) -> None:
    config = load("select_data=MJ-ST", "batch_ratio=0.75-0.25", "train_data=/d/", "total_data_usage_ratio=0.5")
    assert [one.root for one in config.train.datasets] == ["/d/MJ", "/d/ST"]
    assert [one.max_dropped for one in config.train.datasets] == [1.0, 1.0]
    assert (config.train.batch_ratio, config.train.batch_size) == ([0.75, 0.25], 32)
    assert config.train.total_data_usage_ratio == 0.5
    assert load("select_data=[a-b, c]", "batch_ratio=[1, 2]", "batch_size=3").train.datasets[0].root == "all_data/a-b"
    assert [one.root for one in load("select_data=/").train.datasets] == ["all_data"]
    (tmp_path / "my-words").mkdir()
    config = load("select_data=my-words", "batch_ratio=1", f"train_data={tmp_path}")
    assert config.train.datasets[0].root == f"{tmp_path}/my-words"


@pytest.mark.parametrize(("ratio", "size"), [("1-1", 64), ("0.5-0.25", 24), ("0.333-0.667", 32)])
def test_shares_are_of_batch_size_whatever_they_add_up_to(ratio, size) -> None:
    assert load("select_data=MJ-ST", f"batch_ratio={ratio}").train.batch_size == size


def test_switches() -> None:
    config = load("sensitive=False", "PAD=False", "rgb=True", "data_filtering_off=True", "contrast_adjust=0.5")
    assert (config.case, config.unknown, config.max_length) == ("lower", "remove", None)
    data = config.train.data
    assert (data.keep_ratio, data.max_width, data.channels, data.contrast_adjust) == (False, 600, 3, 0.5)
    assert config.model.input_channel == 3
    config = load("freeze_FeatureFxtraction=True", "freeze_SequenceModeling=True")
    assert config.model.freeze == ["FeatureExtraction", "SequenceModeling"]
    assert load("freeze_FeatureExtraction=True").model.freeze == ["FeatureExtraction"]
    test = load("decode=beamsearch").test["validation"]
    assert (test.decode, test.beam_width) == ("beam", 2)


def test_optimizers() -> None:
    train = load("optim=adam", "lr=0.0005").train
    assert (train.optimizer, train.lr) == ("adam", 0.0005)
    assert load("optim=''").train.optimizer == "adadelta"


def test_weights_to_start_from() -> None:
    train = load("saved_model=saved_models/en/iter_5000.pth", "new_prediction=True").train
    assert (train.ckpt_path, train.st_iter) == ("saved_models/en/iter_5000.pth", 5000)
    assert train.ckpt_prediction == "new"
    assert load("saved_model=latin_g2.pth").train.st_iter == 0
    assert load().train.ckpt_path is None
    wrong = sentence("saved_model=iter_300000.pth")
    assert wrong == "on the command line: train.st_iter (300000) must be below end_iter (300000)"


def test_no_validation_data() -> None:
    config = load("valid_data=''")
    assert (config.test, config.train.validation) == ({}, None)


def test_native_and_easyocr_overrides_mix() -> None:
    overrides = ["batch_size=8", "train.log_interval=7", "train.datasets.0.samples=5", "device=cpu", "imgH=32"]
    overrides += ["test.validation.protocol='36'", "train.lr=0.5", "name=mine", "characters=abc", "number=''"]
    config = load(*overrides)
    assert (config.train.batch_size, config.train.log_interval, config.train.lr) == (8, 7, 0.5)
    assert (config.train.datasets[0].samples, config.device, config.train.data.height) == (5, "cpu", 32)
    assert (config.test["validation"].protocol, config.name, config.characters) == ("36", "mine", "abc")


# override, how the sentence goes on after the place
MISTAKES = [
    ("imgH=3", "imgH is 3, but must be a whole number from 8 to 1024"),
    ("lr=fast", "lr is the text 'fast', but must be a number above 0, or null"),
    ("batch_max_length=0", "batch_max_length is 0, but must be a whole number above 0"),
    ("Transformation=TPS", "Transformation is 'TPS', but only 'None' is known"),
    ("Prediction=Attn", "Prediction is 'Attn', but only 'CTC' is known"),
    ("FeatureExtraction=ResNet", "FeatureExtraction is 'ResNet', but only 'VGG' is known"),
    ("sensitive=1", "sensitive is 1; write true or false"),
    ("FT=yes", "FT is 'yes'; write true or false"),
    ("optim=sgd", "optim is 'sgd', but must be false (Adadelta) or 'adam'"),
    ("decode=beam", "decode is 'beam', but must be 'greedy' or 'beamsearch'"),
    ("number=123", "number is 123, but must be text; put it in quotes"),
    ("symbol='!a'", "lang_char has the character 'a' a second time"),
    ("lang_char=None", "lang_char is 'None', for which EasyOCR collects the characters of all labels; write them"),
    ("batch_ratio=0.5-x", "batch_ratio is '0.5-x'; write numbers"),
    ("batch_ratio=true", "batch_ratio is true; write numbers"),
    ("batch_ratio=[null]", "batch_ratio is [null]; write numbers"),
    ("batch_ratio=0.5-0.5", "select_data ('en_train_filtered') cannot be split into 2 names of folders"),
    ("select_data=[1]", "select_data is [1]; write names of folders separated by '-'"),
    ("select_data=a-", "select_data is 'a-'; write names of folders separated by '-'"),
    ("train_data=''", "select_data needs train_data"),
    ("contrast_adjust=true", "contrast_adjust is true, but must be a number from 0"),
    ("train.batchsize=1", "there is no key 'batchsize' in train; did you mean 'train.batch_size'?"),
    ("imgh=1", "there is no key 'imgh' at the top level; "),
]


@pytest.mark.parametrize(("override", "start"), MISTAKES)
def test_mistakes_are_told_in_the_files_own_words(override, start) -> None:
    found = sentence(override)
    assert found.partition(": ")[2].startswith(start)
    # Two of them are about a key of the file beside the one of the override.
    own = start.split()[0] in (override.partition("=")[0], "there")
    assert found.startswith("on the command line: " if own else FILE)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("imgH: 64", "imgh: 64", "which this file is written for; did you mean 'imgH'?"),
        ("imgH: 64", "seed: 64", "give seed=... on the command line"),
        ("imgH: 64", "zzzzzz: 64", "is written for; remove it"),
        ("num_iter: 300000", "num_iter: -1", "num_iter is -1, but must be a whole number above 0"),
    ],
)  # fmt: skip
def test_mistakes_in_the_file_name_its_line(tmp_path, old, new, words) -> None:
    path = edited(tmp_path, old, new)
    found = sentence(path=path)
    line = Path(path).read_text(encoding="utf-8").split(new)[0].count("\n") + 1
    assert found.startswith(f"{path}:{line}: ") and words in found


@pytest.mark.parametrize("key", sorted(set(RECOGNITION.rules) - {"freeze_FeatureExtraction"}))
def test_every_key_may_be_left_out(tmp_path, key) -> None:
    lines = Path(FILE).read_text(encoding="utf-8").splitlines()
    path = tmp_path / "own.yaml"
    path.write_text("\n".join(line for line in lines if not line.startswith(f"{key}:")), encoding="utf-8")
    if key == "train_data":
        assert "select_data needs train_data" in sentence(path=str(path))
        return
    config = load(path=str(path))
    assert config.name == ("own" if key == "experiment_name" else "en_filtered")
    if key == "select_data":
        assert [one.root for one in config.train.datasets] == ["all_data"]
