from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.loader import dump, load_config, recipes
from config.schema.detection import DetectionConfig


@pytest.mark.parametrize("name", sorted(recipes()))
def test_dump_of_a_recipe_loads_back_equal(name, tmp_path):
    config = load_config(name)
    path = tmp_path / "config.yaml"
    path.write_text(dump(config), encoding="utf-8")
    assert load_config(str(path)) == config
    assert yaml.safe_load(dump(config)) == config.model_dump(mode="json"), "YAML 1.1 readers see the same"


_text = st.text(max_size=12) | st.sampled_from(
    [
        "off",
        "no",
        "012",
        "1e-4",
        "1:30",
        "1_000",
        "null",
        "",
        "~",
        "<<",
        "a: b",
        "# x",
        " x ",
        "'",
        "\n",
        "\ufeff",
        "-",
        "*a",
    ]
)
_unit = st.floats(0, 1)
_configs = st.fixed_dictionaries(
    {
        "name": _text.filter(lambda name: name not in ("", ".", "..") and not set(name) & set("/\\")),
        "results_dir": _text,
        "seed": st.integers(0, 2**63 - 1),
        "trained_model": st.none() | _text,
        "train": st.fixed_dictionaries(
            {
                "lr": st.floats(min_value=1e-30, max_value=1e30),
                "datasets": st.lists(
                    st.fixed_dictionaries(
                        {"format": st.just("icdar2013"), "root": _text, "do_not_care_label": st.lists(_text)}
                    ),
                    max_size=2,
                ),
                "data": st.fixed_dictionaries({"mean": st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3)}),
            }
        ),
        "test": st.dictionaries(
            _text,
            st.fixed_dictionaries(
                {"low_text": _unit, "dataset": st.fixed_dictionaries({"format": st.just("synthtext"), "root": _text})}
            ),
            max_size=2,
        ),
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_configs)
def test_dump_of_any_configuration_loads_back_equal(tmp_path, data):
    config = DetectionConfig.model_validate(data)
    path = tmp_path / "config.yaml"
    path.write_bytes(dump(config).encode())
    assert load_config(str(path)) == config
