"""Datasets in the form of the ICDAR competitions: a folder of images and a folder with a text file for each."""

from __future__ import annotations

from config.schema.word_datasets import IcdarDataset, named_for
from data.readers.icdar_lines import parse_icdar2013, parse_icdar2015, parse_icdar2017_mlt
from data.readers.label_files import line_parser, open_label_files
from data.readers.word_reader import WordReader

_PARSERS = {
    "icdar2013": parse_icdar2013,
    "icdar2015": parse_icdar2015,
    "icdar2017_mlt": parse_icdar2017_mlt,
}


def open_icdar(config: IcdarDataset) -> WordReader:
    """Open folders of ICDAR 2013, 2015 or 2017 MLT; see `label_files.open_label_files`."""
    return open_label_files(named_for("test")(config), line_parser(_PARSERS[config.format]))
