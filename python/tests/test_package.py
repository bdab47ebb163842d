"""The package as its users import it. Runs against the installed wheel, never the sources."""

import ast
import importlib.metadata
import pickle
import re
from enum import IntEnum
from pathlib import Path

import pytest
import sessile

HEADER = Path(__file__).parents[2] / "include" / "sessile.h"


def constants_of_the_c_header(prefix: str) -> dict[str, int]:
    pattern = rf"^#define {prefix}(\w+) (\d+)$"
    return {name: int(number) for name, number in re.findall(pattern, HEADER.read_text(), re.M)}


def test_the_installed_wheel_is_under_test() -> None:
    assert "site-packages" in Path(sessile.__file__).parts


def test_the_version_is_that_of_the_distribution() -> None:
    assert sessile.__version__ == importlib.metadata.version("sessile")


def test_every_public_name_exists() -> None:
    for name in sessile.__all__:
        assert hasattr(sessile, name), name


def test_error_is_an_ordinary_exception_of_ours() -> None:
    assert issubclass(sessile.Error, Exception)
    assert (sessile.Error.__module__, sessile.Error.__qualname__) == ("sessile", "Error")
    assert pickle.loads(pickle.dumps(sessile.Error("text"))).args == ("text",)


@pytest.mark.parametrize(
    ("enum", "prefix"),
    [(sessile.ErrorKind, "SESSILE_ERR_"), (sessile.Reason, "SESSILE_REASON_")],
)
def test_numbers_and_names_are_those_of_c(enum: type[IntEnum], prefix: str) -> None:
    members = {member.name: member.value for member in enum}
    constants = constants_of_the_c_header(prefix)
    # What only C has: short buffers, and outcomes that are no verdict of a token.
    constants = {name: n for name, n in constants.items() if 0 < n < 1000}
    assert members == constants
    assert members


@pytest.mark.parametrize("enum", [sessile.ErrorKind, sessile.Reason])
def test_the_stub_has_the_same_numbers(enum: type[IntEnum]) -> None:
    stub = Path(sessile.__file__).with_name("_sessile.pyi")
    classes = [node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ClassDef)]
    body = next(node.body for node in classes if node.name == enum.__name__)
    members = {
        ast.unparse(node.targets[0]): ast.literal_eval(node.value)
        for node in body
        if isinstance(node, ast.Assign)
    }
    assert members == {member.name: member.value for member in enum}


@pytest.mark.parametrize("enum", [sessile.ErrorKind, sessile.Reason])
def test_members_are_documented_and_pickle(enum: type[IntEnum]) -> None:
    assert enum.__doc__
    for member in enum:
        assert member.__doc__ and member.__doc__ != enum.__doc__
        assert pickle.loads(pickle.dumps(member)) is member


def test_members_compare_with_plain_numbers() -> None:
    number: int = sessile.ErrorKind.LOCKED
    assert number == 3
    assert sessile.Reason(8) is sessile.Reason.IDLE_EXPIRED
