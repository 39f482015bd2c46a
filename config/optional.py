"""Packages that some jobs need and most do not."""

from __future__ import annotations

import importlib
from types import ModuleType

from config.errors import UserError


def optional_package(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a module of a package that an extra of pyproject.toml brings.

    Args:
        module: dotted name, such as `fontTools.ttLib`.
        extra: name of the extra.
        purpose: what the package is needed for, as the subject of a sentence.

    Raises:
        UserError: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        package = module.partition(".")[0]
        if missing.name is None or missing.name.partition(".")[0] != package:
            raise
        raise UserError(
            f'{purpose} needs the package {package.lower()}, which is not installed: run `pip install -e ".[{extra}]"`'
        ) from None
