import tomllib
from dataclasses import dataclass
from typing import Literal

import pytest

from opticlir.errors import DataError
from opticlir.settings import (
    AT_LEAST_ONE,
    POSITIVE,
    check_ranges,
    did_you_mean,
    nearest,
    read_toml,
    setting,
    settings_from,
    settings_toml,
)


@dataclass(frozen=True, kw_only=True)
class Wheel:
    size: float = setting(1.0, "In metres.", POSITIVE)

    def __post_init__(self):
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class Cart:
    """A cart."""

    name: str = setting(help="As it is painted on.")
    doors: int = setting(2, "How many.", AT_LEAST_ONE)
    colour: Literal["red", "blue"] = setting("red", "Of the paint.")
    weight: float | None = setting(None, "In kilograms.", POSITIVE)
    spare: Wheel = setting(Wheel(), "The spare wheel.")
    wheels: tuple[Wheel, ...] = setting((), "All others.")
    words: tuple[str, ...] = setting((), "Painted below.")

    def __post_init__(self):
        check_ranges(self)
        if self.colour == "blue" and self.doors == 1:
            raise ValueError("a blue cart has two doors")


def made(**values):
    return settings_from(Cart, {"name": "a", **values}, source="cart.toml")


def test_tables_lists_and_whole_numbers_are_taken():
    cart = made(weight=3, spare={"size": 2}, wheels=[{"size": 1}, {}], words=["x"])
    assert cart == Cart(name="a", weight=3.0, spare=Wheel(size=2.0), wheels=(Wheel(), Wheel()), words=("x",))
    assert type(cart.weight) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dors": 1}, r"^cart\.toml: unknown key 'dors'; did you mean 'doors'\?$"),
        ({"zzz": 1}, r"^cart\.toml: unknown key 'zzz'$"),
        ({"doors": True}, r"doors is True, expected int$"),
        ({"doors": 0}, r"^cart\.toml: doors is 0: expected at least 1$"),
        ({"colour": "green"}, "colour is 'green', expected 'red' or 'blue'"),
        ({"weight": "3"}, r"weight is '3', expected float \| None"),
        ({"spare": 3}, "spare is 3, expected a table"),
        ({"spare": {"sizes": 3}}, r"^cart\.toml: \[spare\]: unknown key 'sizes'; did you mean 'size'"),
        ({"spare": {"size": 0}}, r"^cart\.toml: \[spare\]: size is 0.0: expected a finite number above 0"),
        ({"wheels": 3}, r"wheels is 3: expected a list of tables such as \{size = \.\.\.\}"),
        ({"wheels": [{}, {"size": -1}]}, r"^cart\.toml: wheels\[1\]: size is -1.0: expected"),
        ({"words": [3]}, r"words is \[3\], expected"),
        ({"doors": 1, "colour": "blue"}, r"^cart\.toml: a blue cart has two doors$"),
    ],
)
def test_what_is_wrong_is_refused_by_name(values, message):
    with pytest.raises(DataError, match=message):
        made(**values)


def test_what_is_needed_is_asked_for():
    with pytest.raises(DataError, match=r"cart\.toml: .*'name'"):
        settings_from(Cart, {}, source="cart.toml")


@pytest.mark.parametrize(
    "values", [{}, {"weight": 2, "name": 'a "b" \\ ñ'}, {"wheels": [{"size": 2}], "words": ["a", "b"]}]
)
def test_what_is_written_reads_back_as_the_same(values):
    cart = made(**values)
    assert settings_from(Cart, tomllib.loads(settings_toml(cart)), source="written") == cart


def test_help_becomes_comments():
    lines = settings_toml(made()).splitlines()
    assert lines[lines.index("doors = 2") - 1] == "# How many."
    assert lines[lines.index("# weight =") - 1] == "# In kilograms."
    assert lines[lines.index("[spare]") - 1] == "# The spare wheel."
    assert "doors" not in settings_toml(made(), without=["doors"])


def test_a_byte_order_mark_is_skipped_and_a_broken_file_named(tmp_path):
    path = tmp_path / "cart.toml"
    path.write_bytes(b"\xef\xbb\xbfdoors = 3\r\n[spare]\r\nsize = 1\r\n")
    assert read_toml(path) == {"doors": 3, "spare": {"size": 1}}
    path.write_bytes(b"a = ")
    with pytest.raises(DataError, match=r"cart\.toml: not readable as TOML"):
        read_toml(path)


def test_the_nearest_name_is_proposed_only_when_it_is_near():
    assert nearest("optcal", ["optical", "mse"]) == "optical"
    assert nearest("qqq", ["optical"]) is None
    assert did_you_mean("optcal", ["optical"]) == "; did you mean 'optical'?"
    assert did_you_mean("qqq", ["optical"]) == ""
