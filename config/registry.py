"""Things that a YAML chooses by name: a new one is registered where it is defined, and its file finds itself.

    LOSSES = Registry("loss", "train.loss", package="loss")

    @LOSSES.register("focal")
    class FocalLoss(nn.Module):
        def __init__(self, *, gamma: PositiveFloat = 2.0) -> None: ...

    criterion = LOSSES.create("focal", {"gamma": 1.5})

What the program passes is positional. Keyword-only parameters are the options that a YAML may set: their annotations
are checked as those of the schema are, so a mistake in them is one sentence.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import ValidationError, create_model

from config.errors import UserError, nearest
from config.explain import explain, show
from config.origins import Origin, Origins
from config.schema.base import Section

T = TypeVar("T", bound=Callable[..., Any])


class Registry(Generic[T]):
    """Classes or functions by name.

    Args:
        kind: what they are, for messages: `loss`.
        setting: the key that names one of them, for messages: `train.loss`. Their options are under `X_options`
            beside a key `X`, and under `options` beside a key `name`.
        package: folder whose modules register themselves: each is imported when a name is first asked for. None where
            whoever registers is imported anyway.
    """

    def __init__(self, kind: str, setting: str, package: str | None = None) -> None:
        self.kind = kind
        self.setting = setting
        self._package = package
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers a class or a function and leaves it as it is.

        Raises:
            ValueError: the name is taken.
        """

        def add(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"there are two of {self.kind} '{name}': {self._entries[name]!r} and {entry!r}")
            self._entries[name] = entry
            return entry

        return add

    def names(self) -> list[str]:
        """Return all names in the order of the alphabet."""
        package, self._package = self._package, None
        if package is not None:
            try:
                for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
                    importlib.import_module(f"{package}.{module.name}")
            except BaseException:
                self._package = package  # The names of the other modules are not known yet.
                raise
        return sorted(self._entries)

    def get(self, name: str, at: str | None = None) -> T:
        """Return what is registered under a name.

        Args:
            name: the name.
            at: the key that holds the name, where it is not `setting` to the letter, as in a list.

        Raises:
            UserError: there is none of that name.
        """
        names = self.names()
        if name not in names:
            similar = nearest(name, names)
            hint = (
                f"did you mean '{similar}'?"
                if similar
                else f"write one of {', '.join(names)}"
                if names
                else "none has a name so far"
            )
            raise UserError(f"{at or self.setting} is {show(name)}, a {self.kind} which does not exist; {hint}")
        return self._entries[name]

    def bind(self, name: str, options: Mapping[str, Any], at: str | None = None) -> Callable[..., Any]:
        """Return what is registered under a name with its options filled in; it waits for what the program passes.

        Args:
            name: the name.
            options: values for keyword-only parameters, as they come from a YAML.
            at: the key that holds the name, where it is not `setting` to the letter.

        Raises:
            UserError: there is none of that name, an option does not exist, is missing, or has a wrong value.
        """
        entry, setting = self.get(name, at), at or self.setting
        schema = _schema(entry)
        section, _, key = setting.rpartition(".")
        where = (*filter(None, section.split(".")), "options" if key == "name" else f"{key}_options")
        if options and not schema.model_fields:
            raise UserError(f"{'.'.join(where)}: the {self.kind} '{name}' has no options; leave them out")
        try:
            checked = schema.model_validate_json(json.dumps(dict(options)))
        except ValidationError as error:
            raise explain(error, schema, Origins({(): Origin(f"{setting}={name}", where)}), {}) from None
        return functools.partial(entry, **{option: getattr(checked, option) for option in checked.model_fields_set})

    def create(self, name: str, options: Mapping[str, Any], *given: Any, at: str | None = None) -> Any:
        """Return an object of what is registered under a name; see `bind`.

        Args:
            name: the name.
            options: values for keyword-only parameters, as they come from a YAML.
            given: what the program passes.
            at: the key that holds the name, where it is not `setting` to the letter.
        """
        return self.bind(name, options, at)(*given)


@functools.cache
def _schema(entry: Callable[..., Any]) -> type[Section]:
    """The keyword-only parameters of a class or a function as a section of the schema."""
    hints = get_type_hints(entry.__init__ if inspect.isclass(entry) else entry, include_extras=True)
    fields = {
        parameter.name: (
            hints.get(parameter.name, Any),
            ... if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in inspect.signature(entry).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    return create_model("Options", __base__=Section, **fields)  # type: ignore[call-overload]
