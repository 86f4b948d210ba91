"""requirements-dev.lock has exact versions, with hashes, of everything that developers install."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-dev.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def wanted(extra):
    """The requirements of an extra, with those of the extras that it names."""
    for text in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.name != "opticlir":
            yield requirement
        for other in requirement.extras if requirement.name == "opticlir" else ():
            yield from wanted(other)


@pytest.fixture(scope="module")
def locked():
    entries = re.split(r"(?m)^(?=[a-z])", LOCK.read_text())[1:]
    found = {}
    for entry in entries:
        head, *hashes = entry.replace("\\\n", " ").split()
        name, _, version = head.partition("==")
        assert hashes, name
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), name
        found[name] = version
    return found


def test_every_dependency_is_locked_in_a_version_that_pyproject_allows(locked):
    requirements = [*map(Requirement, PROJECT["dependencies"]), *wanted("dev")]
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if name != "torch":  # installed before, by the Makefile
            assert name in locked, f"{name} is missing: run make lock"
            assert requirement.specifier.contains(locked[name]), f"{requirement}: run make lock"
    assert len(locked) > len(requirements)


def test_the_lock_names_no_host_and_leaves_torch_to_the_makefile(locked):
    assert "://" not in LOCK.read_text()
    assert not [name for name in locked if name.startswith(("torch", "nvidia-", "triton"))]
