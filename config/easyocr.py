"""Reads the YAML files of EasyOCR's CRAFT trainer (`syn_train.yaml`, `custom_data_train.yaml`) as they are.

Such a file is recognised by keys that only it has, and turned into the native settings before validation. A
key that means nothing here any more is accepted and named in one warning; a key that never meant anything is
an error, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from config.easyocr_keys import (
    FILE_MARKS,
    KNOWN,
    MOVED,
    MOVED_TEST,
    MOVED_WEAK,
    ONLY_VALUE,
    SECTIONS,
    TEST_FOLDERS,
    TRAIN_FOLDERS,
    TRAIN_MARKS,
    WEAK_MARKS,
)
from config.easyocr_translation import Translation, to_path
from config.errors import UserError, nearest
from config.explain import nearest_path, show
from config.origins import Origins, dotted
from config.schema.detection import DetectionConfig
from config.yaml_strict import Path


def is_easyocr(data: dict[str, Any]) -> bool:
    """Tell whether these settings are written for EasyOCR's trainer; a file with a `task` never is."""
    if "task" in data:
        return False
    train = data.get("train")
    marks = TRAIN_MARKS & set(train) if isinstance(train, dict) else set()
    return bool(FILE_MARKS & set(data)) or len(marks) > 1


def knows(path: tuple[str, ...]) -> bool:
    """Tell whether an override's path is one of EasyOCR's keys (or lies inside a section that moves whole)."""
    return any(_pattern(path[:length]) in KNOWN for length in range(1, len(path) + 1))


def translate(data: dict[str, Any], origins: Origins) -> tuple[dict[str, Any], Origins]:
    """Turn EasyOCR's settings into native ones.

    Args:
        data: the parsed file, with the overrides that use EasyOCR's paths.
        origins: where each value was written.

    Returns:
        The native settings, not yet validated, and the origins by their paths there.

    Raises:
        UserError: on a key or a value that EasyOCR's trainer does not have.
    """
    translation = _Translation(data, origins)
    translation.run()
    return translation.finish()


def _pattern(path: Path) -> str:
    """`test.icdar2013.poly` as `test.*.poly`; `test.trained_model` is a key of its own."""
    if len(path) > 1 and path[0] == "test" and path[1] != "trained_model":
        path = ("test", "*", *path[2:])
    return dotted(path)


class _Translation(Translation):
    """A file of the CRAFT trainer."""

    def __init__(self, data: dict[str, Any], origins: Origins) -> None:
        sections = {
            path: known for path, known in origins.entries.items() if _pattern(path) in ("", "test.*", *SECTIONS)
        }
        super().__init__("detection", origins, Origins(sections))
        self.hold(self.leaves(data, ()))

    def run(self) -> None:
        for key, allowed in ONLY_VALUE.items():
            self.only(key, allowed)
        weak = any(self.values.get(to_path(key)) is not None for key in WEAK_MARKS)
        for theirs, ours in (MOVED | (MOVED_WEAK if weak else {})).items():
            if to_path(theirs) in self.values:
                self.put(ours, self.take(theirs), theirs)
        amp = self.switch("train.amp")
        if amp is not None:
            self.put("amp", "bf16" if amp else "off", "train.amp")
        # EasyOCR's network starts from ImageNet's VGG wherever no checkpoint replaces it.
        self.put(
            "model.backbone_weights", "imagenet" if self.values.get(to_path("train.ckpt_path")) is None else "none"
        )
        self.synthetic(weak)
        if weak:
            self.words()
        for name in dict.fromkeys(path[1] for path in self.values if path[0] == "test" and len(path) > 2):
            self.test(str(name))

    def synthetic(self, weak: bool) -> None:
        wanted = self.take("train.dataset")
        if wanted is not None and (not isinstance(wanted, list) or any(item != "synthtext" for item in wanted)):
            raise self.fail("train.dataset", f"is {show(wanted)}, but must be ['synthtext'] or []")
        key = "train.synth_data_dir" if weak else "data_dir.synthtext"
        root = self.take(key)
        if root is None:
            if wanted:
                raise self.fail("train.dataset", f"needs the folder of SynthText in {key}")
            return
        if wanted == []:
            return
        self.put("train.datasets.0.format", "synthtext", key)
        self.put("train.datasets.0.root", root, key)
        for theirs, ours in {"data_dir.synthtext_gt": "gt", "train.data.syn_sample": "samples"}.items():
            if to_path(theirs) in self.values:
                self.put(f"train.datasets.0.{ours}", self.take(theirs), theirs)

    def words(self) -> None:
        root = self.take("data_root_dir")
        if root is None:
            place = self.origins.find(()).place
            raise UserError(f"{place}: data_root_dir is missing; it is the folder that holds {TRAIN_FOLDERS['images']}")
        self.put("train.weak.datasets.0.format", "icdar2015", "data_root_dir")
        self.put("train.weak.datasets.0.root", root, "data_root_dir")
        for key, folder in TRAIN_FOLDERS.items():
            self.put(f"train.weak.datasets.0.{key}", folder)
        self.native["train"]["weak"].setdefault("use_synthtext", False)
        self.native["train"]["weak"]["crop_margin"] = 0.0  # there words are cut out tightly
        for theirs, ours in {"do_not_care_label": "do_not_care_label", "custom_sample": "samples"}.items():
            if to_path(f"train.data.{theirs}") in self.values:
                self.put(f"train.weak.datasets.0.{ours}", self.take(f"train.data.{theirs}"), f"train.data.{theirs}")

    def test(self, name: str) -> None:
        section: Path = ("test", name)
        root = self.take((*section, "test_data_dir"))
        if root is None:
            raise self.fail((*section, "test_data_dir"), "is missing; it is the folder of the images and labels")
        layout = "icdar2013" if name == "icdar2013" else "icdar2015"
        self.put((*section, "dataset", "format"), layout, (*section, "test_data_dir"))
        self.put((*section, "dataset", "root"), root, (*section, "test_data_dir"))
        for key, folder in TEST_FOLDERS[layout].items():
            self.put((*section, "dataset", key), folder)
        for key in MOVED_TEST:
            if (*section, key) in self.values:
                self.put((*section, key), self.take((*section, key)), (*section, key))

    def leaves(self, value: dict[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
        """Every known key with its value; EasyOCR's own file says `None` where YAML says null."""
        for key, inner in value.items():
            here = (*path, key)
            pattern = _pattern(here)
            if pattern in KNOWN:
                yield here, None if inner == "None" else inner
            elif pattern not in SECTIONS:
                raise self.unknown(here)
            elif isinstance(inner, dict) and (inner or pattern != "test.*"):
                yield from self.leaves(inner, here)
            elif inner is not None or pattern == "test.*":
                raise self.fail(here, f"is {show(inner)}, but must be a section (keys indented beneath it)")

    def unknown(self, path: Path) -> UserError:
        depth = len(path) - 1
        parent = _pattern(path).split(".")[:depth]
        siblings = dict.fromkeys(key.split(".")[depth] for key in KNOWN if key.split(".")[:depth] == parent)
        similar = nearest(str(path[-1]), siblings)
        meant = dotted((*path[:-1], similar)) if similar else nearest_path(path, list(KNOWN))
        hint = f"did you mean '{meant}'?" if meant else f"the keys there are {', '.join(siblings)}"
        return self.no_key(path, "EasyOCR's trainer", DetectionConfig, hint)
