"""What the recipe for digits promises: short numbers in training, unseen fonts and longer numbers in its tests."""

from __future__ import annotations

from config.loader import load_config
from data.readers.generated import load_recipe, load_resources
from data.recognition.preprocess import WordPreprocess
from data.recognition.readers import open_words


def test_it_trains_on_short_numbers_and_is_tested_on_longer_ones_in_other_fonts() -> None:
    job = load_config("rec_digits", [], "recognition")
    sections = {"train": job.train.datasets[0], **{name: test.dataset for name, test in job.test.items()}}
    fonts, lengths = {}, {}
    for name, section in sections.items():
        recipe = load_recipe(section, "crops", "a recogniser")
        families = load_resources(recipe.model_dump_json()).families[section.split]
        fonts[name] = {family.name for family in families}
        reader = open_words(section.model_copy(update={"size": 400}))
        lengths[name] = {len(reader.text(index)) for index in range(400)}
    assert next(iter(job.test)) == "held_out_fonts"  # The one that is evaluated during training.
    assert fonts["held_out_fonts"] == fonts["long"] and not fonts["train"] & fonts["long"]
    assert lengths["train"] == lengths["held_out_fonts"] == set(range(1, 11))
    assert lengths["long"] == set(range(11, 21)) and job.max_length == 20


def test_no_long_number_is_squeezed() -> None:
    job = load_config("rec_digits", [], "recognition")
    reader = open_words(job.test["long"].dataset.model_copy(update={"size": 40}))
    preprocess = WordPreprocess.of(job.train.data)
    assert not any(preprocess.is_squeezed(*reader.size(index)) for index in range(40))
