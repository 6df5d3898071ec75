"""
List what an installation of this package contains, with licences: ``python scripts/dependencies.py FOLDER``.

``sbom.cdx.json`` is a bill of materials in the format CycloneDX. It has all packages of an installation with all extras
for users. ``licences.md`` is a table of the packages that the extras add. Both files have the versions that are
installed in the environment of ``make``. ``make wheel`` writes the first file, and ``make docs`` includes the second.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "airflow-provider-classify"
#: Extras for the development of this package, beside those that begin with "test".
DEVELOPMENT = {"faults", "storage", "train"}


@dataclass(frozen=True)
class Dependency:
    """
    An installed package.

    :param licence: the name of the licence in the package's metadata.
    :param extras: the extras of this package that need it; empty if this package needs it without any extra.
    """

    name: str
    version: str
    licence: str
    extras: tuple[str, ...]


def extras() -> list[str]:
    """Return the extras for users, in alphabetical order."""
    named = distribution(PACKAGE).metadata.get_all("Provides-Extra") or []
    return sorted(name for name in named if name not in DEVELOPMENT and not name.startswith("test"))


def required(extra: str | None) -> set[str]:
    """
    Return the names of all packages that an installation with an extra needs, directly or indirectly.

    A package that is not installed is left out, because it can be for another platform only.

    :param extra: the name of the extra; ``None`` for an installation without extras.
    """
    found: set[str] = set()
    waiting = [Requirement(f"{PACKAGE}[{extra}]" if extra else PACKAGE)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            requires = distribution(requirement.name).requires or []
        except PackageNotFoundError:
            continue
        found.add(key[0])
        waiting += _that_apply(map(Requirement, requires), requirement.extras)
    return found - {PACKAGE}


def _that_apply(requirements: Iterable[Requirement], extras: set[str]) -> list[Requirement]:
    """Return the requirements whose marker is true with one of the extras or without an extra."""
    environments = [{"extra": extra} for extra in ("", *extras)]
    return [
        requirement
        for requirement in requirements
        if requirement.marker is None or any(requirement.marker.evaluate(each) for each in environments)
    ]


def dependencies() -> list[Dependency]:
    """Return all packages of an installation with all extras for users, in alphabetical order."""
    base = required(None)
    by_extra = {extra: required(extra) for extra in extras()}
    names = sorted(base.union(*by_extra.values()))
    command = [sys.executable, "-m", "piplicenses", "--format=json", "--from=mixed", "--packages", *names]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return [
        Dependency(
            name := canonicalize_name(package["Name"]),
            package["Version"],
            package["License"],
            () if name in base else tuple(extra for extra, needed in by_extra.items() if name in needed),
        )
        for package in listed
    ]


def bill_of_materials(found: Iterable[Dependency]) -> str:
    """Return the bill of materials as JSON."""
    root = Component(name=PACKAGE, version=distribution(PACKAGE).version, type=ComponentType.LIBRARY)
    components = [
        Component(
            name=each.name,
            version=each.version,
            type=ComponentType.LIBRARY,
            licenses=[DisjunctiveLicense(name=each.licence)],
            purl=(purl := PackageURL("pypi", name=each.name, version=each.version)),
            bom_ref=str(purl),
        )
        for each in found
    ]
    bom = Bom(components=components)
    bom.metadata.component = root
    bom.register_dependency(root, components)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def licence_table(found: Iterable[Dependency]) -> str:
    """Return a table of the packages that the extras add, as Markdown."""
    lines = ["| package | version | licence | extra |", "|---|---|---|---|"]
    for each in found:
        if each.extras:
            names = ", ".join(f"`{extra}`" for extra in each.extras)
            licence = " ".join(each.licence.split()).replace("|", "\\|")
            lines.append(f"| {each.name} | {each.version} | {licence} | {names} |")
    return "\n".join(lines) + "\n"


def main(folder: Path) -> None:
    """Write both files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    found = dependencies()
    (folder / "sbom.cdx.json").write_text(bill_of_materials(found), encoding="utf-8")
    (folder / "licences.md").write_text(licence_table(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
