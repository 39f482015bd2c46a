from __future__ import annotations

import logging

import pytest

from config.errors import UserError
from config.loader import CONFIG_DIR, MODELS, load_config, recipes
from config.schema.detection import DetectionConfig
from config.schema.generation import GenerateConfig


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a YAML into the current folder and returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "own.yaml") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


def sentence(*args, **kwargs) -> str:
    with pytest.raises(UserError) as caught:
        load_config(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", sorted(recipes()))
def test_every_recipe_loads_from_any_folder(name, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    config = load_config(name)
    assert type(config) is MODELS[config.task]
    assert load_config(f"{name}.yaml") == config == load_config(str(CONFIG_DIR / f"{name}.yaml"))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_recipes_are_told_apart_by_task():
    assert {"syn_train", "custom_data_train", "craft_tiny"} <= set(recipes("detection"))
    assert set(recipes("detection")).isdisjoint(recipes("generate"))
    assert all(recipes().values()), "every recipe begins with a comment that --help prints"


def test_syn_train_has_the_values_of_easyocr():
    config = load_config("syn_train", task="detection")
    train, test = config.train, config.test["icdar2013"]
    assert (config.name, config.amp, config.model.backbone_weights) == ("syn_train", "bf16", "imagenet")
    assert (train.batch_size, train.end_iter, train.eval_interval) == (5, 50000, 1000)
    assert (train.lr, train.lr_decay, train.gamma, train.weight_decay) == (1e-4, 15000, 0.2, 1e-5)
    assert (train.loss, train.neg_rto, train.n_min_neg) == (3, 1, 1000)
    assert (test.text_threshold, test.low_text, test.link_threshold) == (0.85, 0.5, 0.2)
    assert (test.canvas_size, test.mag_ratio, test.poly) == (960, 1.5, False)


def test_custom_data_train_carries_the_watershed_and_replays_synthtext_unmirrored():
    train = load_config("custom_data_train").train
    assert (train.loss, train.neg_rto, train.n_min_neg, train.lr_decay, train.end_iter) == (2, 0.3, 5000, 7500, 25000)
    assert (train.weak.sure_fg_th, train.weak.sure_bg_th) == (0.75, 0.05)
    assert train.weak.use_synthtext and train.datasets
    assert not train.weak.custom_aug.random_horizontal_flip.option
    assert train.ckpt_path == "./exp/syn_train/checkpoints/best.pth"


def test_name_is_the_stem_unless_given(write):
    path = write("task: detection\n", "my_run.yml")
    assert load_config(path).name == "my_run"
    assert load_config(path, ["name=other"]).name == "other"
    assert load_config(path, ["name=null"]).name == "my_run"


def test_overrides_reach_sections_lists_and_free_names():
    overrides = [
        "train.lr=5e-5",
        "train.datasets.0.root=/data/My Set",
        "train.data.mean=[0.5, 0.5, 0.5]",
        "train.data.std.1=0.3",
        "test.extra.dataset={format: icdar2015, root: /x}",
        "test.extra.low_text=0.3",
        "train.ckpt_path=",
        "amp=off",
        "train.lr=6e-5",  # the last one counts
    ]
    config = load_config("syn_train", overrides)
    assert config.train.lr == 6e-5
    assert config.train.datasets[0].root == "/data/My Set"
    assert config.train.data.mean == [0.5, 0.5, 0.5]
    assert config.train.data.std == [0.229, 0.3, 0.225]
    assert config.test["extra"].dataset.root == "/x"
    assert config.test["extra"].low_text == 0.3
    assert config.train.ckpt_path is None
    assert config.amp == "off"


def test_an_index_reaches_into_a_default_list_that_the_file_leaves_out():
    assert load_config("craft_tiny", ["train.data.mean.2=0.5"]).train.data.mean == [0.485, 0.456, 0.5]
    assert load_config("craft_tiny").train.data.mean == [0.485, 0.456, 0.406]


# override, all the sentence
FORMATS = (
    "'synthtext', 'icdar2015', 'icdar2013', 'icdar2017_mlt', 'totaltext', 'ctw1500', 'labelme', 'paddleocr', "
    "'cocotext', 'textocr', 'cvat', 'labelstudio' or 'generated'"
)

OVERRIDE_MISTAKES = [
    ("train.lr", "'train.lr' is not of the form key.sub=value (write no spaces around the =)"),
    ("=3", "'' is not a path of keys; write it like train.lr=1e-4"),
    ("lr=1", "there is no key 'lr' at the top level; did you mean 'train.lr'?"),
    ("train.batchsize=1", "there is no key 'batchsize' in train; did you mean 'train.batch_size'?"),
    (
        "train.datasets.0.rooot=x",
        "there is no key 'rooot' in train.datasets.0; did you mean 'train.datasets.0.root'?",
    ),
    ("vis_opt=true", "there is no key 'vis_opt' at the top level; did you mean 'test.NAME.vis_opt'?"),
    (
        "train.data.variance=[1, 1, 1]",
        "there is no key 'variance' in train.data; EasyOCR's 'train.data.variance' is called 'train.data.std' here",
    ),
    ("train.lr=fast", "train.lr is the text 'fast', but must be a number above 0"),
    ("train.lr=-1", "train.lr is -1, but must be a number above 0"),
    ("train.lr=.inf", "train.lr is inf, but must be a finite number"),
    ("train.data.mean=[.nan, 0, 0]", "train.data.mean.0 is nan, but must be a finite number"),
    ("train.batch_size=012", "train.batch_size is the text '012'; write 12 or 0o12"),
    ("train.batch_size=089", "train.batch_size is the text '089'; write 89"),
    ("train.batch_size=1_000", "train.batch_size is the text '1_000'; write 1000"),
    ("train.batch_size=5.0", "train.batch_size is 5.0, but must be a whole number above 0; write 5"),
    (
        "train.batch_size='5'",
        "train.batch_size is the text '5', but must be a whole number above 0; write it without quotes",
    ),
    ("train.batch_size=true", "train.batch_size is true, but must be a whole number above 0"),
    (
        "train.batch_size=",
        "train.batch_size has no value, but must be a whole number above 0; leave the key out to take its default",
    ),
    (
        "train.data.augment.random_rotate.option=no",
        "train.data.augment.random_rotate.option is the text 'no'; write true or false",
    ),
    ("amp=bf61", "amp is 'bf61', but must be 'bf16', 'fp16' or 'off'; did you mean 'bf16'?"),
    ("amp=false", "amp is false, but must be 'bf16', 'fp16' or 'off'; write 'off'"),
    ("train.loss=4", "train.loss is 4, but must be 2 or 3, or text"),
    ("name=2024", "name is 2024, but must be text, or null; put it in quotes"),
    (
        "train.data.output_size=100",
        "train.data.output_size is 100, but must be a whole number, at least 32, a multiple of 32",
    ),
    ("model.width=9", "model.width is 9, but must be a number above 0, at most 4"),
    ("train.data.mean=[1, 2]", "train.data.mean is [1, 2], but must be a list of 3 numbers"),
    ("train.st_iter=60000", "train.st_iter (60000) must be below end_iter (50000)"),
    ("train.validation=x", "train.validation names 'x', which is not under `test` (there: icdar2013)"),
    ("train.datasets.root=x", "train.datasets is a list; name an item by its number, such as train.datasets.0"),
    ("train.lr.x=3", "train.lr is a single value, so there is no train.lr.x to set"),
    (
        "train.datasets.0.format=synthtxt",
        f"train.datasets.0.format is 'synthtxt', but must be {FORMATS}; did you mean 'synthtext'?",
    ),
    (
        "train.datasets=[{root: x}]",
        f"train.datasets.0.format is missing; write {FORMATS}",
    ),
    ("train.weak.synth_ratio=3", "train.weak.datasets is missing; it must be a list of one or more sections"),
    ("task=generate", "task is 'generate', but must be 'detection'"),
]


@pytest.mark.parametrize(("override", "expected"), OVERRIDE_MISTAKES)
def test_mistakes_on_the_command_line(override, expected):
    assert sentence("syn_train", [override]) == f"on the command line: {expected}"


def test_yaml_mistakes_in_an_override_name_it():
    assert sentence("syn_train", ["train.data.mean=[1, 2"]).startswith(
        "on the command line: the value of train.data.mean in 'train.data.mean=[1, 2' is not YAML: "
    )


# lines after `task: detection`, the line the sentence names, the rest of it
FILE_MISTAKES = [
    ("learning: 1", 2, "there is no key 'learning' at the top level; the keys there are task, name, "),
    ("train:\n  lr: 1e-4\n  batchsize: 3", 4, "there is no key 'batchsize' in train; did you mean 'train.batch_size'?"),
    (
        "train:\n  lr: -1\n  loss: 9\n  gama: 1",
        5,
        "there is no key 'gama' in train; did you mean 'train.gamma'? (and 2 more)",
    ),
    ("train:\n  datasets:\n    - format: synthtext", 4, "train.datasets.0.root is missing; it must be text"),
    (
        "train:\n  datasets:\n    - {format: synthtext, root: 3}",
        4,
        "train.datasets.0.root is 3, but must be text; put it",
    ),
    ("train:", 2, "train has no value, but must be a section (keys indented beneath it); leave"),
    (
        "train:\n  weak:\n    datasets:\n      - {format: icdar2013, root: x, imags: y}",
        5,
        "there is no key 'imags' in ",
    ),
    ("train:\n  st_iter: 9\n  end_iter: 9", 3, "train.st_iter (9) must be below end_iter (9)"),
    ("train:\n  validation: x", 3, "train.validation names 'x'"),
    ("train:\n  end_iter: 1\n  lr: 1e999", 4, "train.lr is inf, but must be a finite number"),
    ("test:\n  a:\n    dataset:\n      format: icdar2015", 4, "test.a.dataset.root is missing"),
    ("seed: 1\nseed: 2", 3, "the key 'seed' was already given in line 2; remove one of the two"),
]


@pytest.mark.parametrize(("lines", "line", "start"), FILE_MISTAKES)
def test_mistakes_in_a_file_name_its_line(write, lines, line, start):
    assert sentence(write(f"task: detection\n{lines}\n")).startswith(f"own.yaml:{line}: {start}")


def test_a_rule_broken_by_file_and_command_line_names_both(write):
    path = write("task: detection\ntrain:\n  st_iter: 500\n")
    assert sentence(path, ["train.end_iter=400"]) == (
        "own.yaml:3 and on the command line: train.st_iter (500) must be below end_iter (400)"
    )
    path = write("task: detection\ntrain:\n  st_iter: 500\n  end_iter: 400\n")
    unrelated = sentence(path, ["seed=3", "train.lr=1"])
    assert unrelated == "own.yaml:3: train.st_iter (500) must be below end_iter (400)"


def test_the_watershed_thresholds_are_checked(write):
    path = write("task: detection\ntrain: {weak: {datasets: [{format: icdar2015, root: x}], sure_fg_th: 0.6}}\n")
    assert load_config(path, ["train.weak.sure_bg_th=0.1"]).train.weak.sure_fg_th == 0.6
    assert "sure_bg_th (0.7) must be below sure_fg_th (0.6)" in sentence(path, ["train.weak.sure_bg_th=0.7"])


def test_keys_of_a_generate_configuration(write):
    path = write("task: generate\ntext:\n  kinds: {word: 1, fax: 2}\n")
    expected = "there is no key 'fax' in text.kinds; it may be 'word', 'number'"
    assert sentence(path).startswith(f"own.yaml:3: {expected}")
    assert sentence(write("task: generate\nlayout:\n  width: [900, 100]\n")).startswith(
        "own.yaml:3: layout.width: a range"
    )


def test_the_wrong_task_is_one_sentence():
    text = sentence("generate_demo", task="detection")
    assert text.startswith("config/generate_demo.yaml:")
    assert "task 'generate', but one for task 'detection' is wanted here; use it with generate.py" in text
    assert sentence("syn_train", task="generate").startswith("config/syn_train.yaml:5: ")


def test_a_file_without_a_task_takes_the_programs(write):
    assert isinstance(load_config(write("seed: 3\n"), task="generate"), GenerateConfig)
    assert isinstance(load_config(write("seed: 3\n")), DetectionConfig)


def test_files_that_are_none(write, tmp_path):
    assert sentence("syn_trian") == (
        "there is no configuration 'syn_trian', neither a recipe in config/ nor a file; did you mean 'syn_train'?"
    )
    assert "the recipes are " in sentence("nonsense/x.yaml")
    assert "is a folder" in sentence(str(tmp_path))
    assert sentence(write("")).startswith("own.yaml is empty; copy one of the recipes")
    assert sentence(write("- a\n")).startswith("own.yaml does not hold `key: value` lines")
    assert sentence(write("task: detecton\n")) == (
        "own.yaml:1: task is 'detecton', which does not exist; did you mean 'detection'?"
    )
    (tmp_path / "own.yaml").write_bytes(b"\xff\xfe\x00")
    assert sentence("own.yaml") == "own.yaml is not UTF-8 text (byte 0); save it as UTF-8"


def test_a_file_that_shadows_a_recipe_is_pointed_out(write):
    write("task: detection\nseed: 7\n", "syn_train.yaml")
    assert "is both a recipe and a file in this folder" in sentence("syn_train.yaml")
    assert load_config("./syn_train.yaml").seed == 7
    assert load_config("syn_train").seed == 1111


def test_a_byte_order_mark_and_crlf_are_accepted(tmp_path):
    path = tmp_path / "w.yaml"
    path.write_bytes("\ufefftask: detection\r\nseed: 5\r\n".encode())
    assert load_config(str(path)).seed == 5


def test_values_are_not_converted_but_whole_numbers_are_numbers(write):
    config = load_config(write("task: detection\ntrain: {neg_rto: 1, data: {gauss_sigma: 40, mean: [0, 0, 0]}}\n"))
    assert isinstance(config.train.neg_rto, float)
    assert config.train.data.mean == [0.0, 0.0, 0.0]
