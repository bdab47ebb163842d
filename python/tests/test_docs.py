"""What the documents show is true: their examples run, and every public name has words."""

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest
import sessile

README = Path(__file__).parents[1] / "README.md"


def modules() -> list[ModuleType]:
    names = [info.name for info in pkgutil.iter_modules(sessile.__path__)]
    return [sessile, *(importlib.import_module(f"sessile.{name}") for name in names)]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings_run(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_there_are_examples() -> None:
    assert sum(doctest.testmod(module).attempted for module in modules()) >= 15


def blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.M | re.S)


@pytest.mark.parametrize("number", range(len(blocks())))
def test_the_examples_in_the_readme_run(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks()[number], f"README.md, example {number}", "exec"), {})
    assert number or (tmp_path / "sessions").is_dir()


def test_the_quick_start_is_short() -> None:
    assert len(blocks()[0].splitlines()) <= 20


def test_the_readme_names_every_setting() -> None:
    text = README.read_text()
    for name in sessile.Settings.__annotations__:
        assert f"`{name}`" in text, name


@pytest.mark.parametrize("name", [name for name in sessile.__all__ if name != "__version__"])
def test_every_public_name_has_words(name: str) -> None:
    public = getattr(sessile, name)
    assert public.__doc__
    assert not public.__doc__.startswith(f"{name}("), "dataclass's own words"
    for attribute, value in vars(public).items():
        if attribute.startswith("_") or not (callable(value) or inspect.isdatadescriptor(value)):
            continue
        if value.__class__.__name__ == "member_descriptor":
            continue
        assert getattr(public, attribute).__doc__, f"{name}.{attribute}"


def test_every_verb_shows_its_arguments() -> None:
    for name, verb in vars(sessile.Engine).items():
        if callable(verb) and not name.startswith("_"):
            assert inspect.signature(getattr(sessile.Engine, name)), name
