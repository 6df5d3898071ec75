"""
Build the wheel, look into it, and install it into empty environments.

``make test`` makes the base installation with uv, which takes seconds. ``make test-wheel`` makes it with plain pip too,
and each extra.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from dependencies import extras

from tests.support.documents import INVOICE
from tests.support.markdown import ROOT

CHECK = Path(__file__).with_name("check_installed.py")
EXTRAS = extras()
MAX_BYTES = 5_000_000
IMAGE = "docs/images/run.png"
#: A consumer's module: what its author writes, with the types that mypy must derive.
CONSUMER = """
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.results import BatchManifest, read_results
from airflow_provider_classify.routing import route

reveal_type(ClassifyHook().classify("scan.pdf", ["invoice"]))
rules = {"invoice": "pay"}
reveal_type(route({"classification": "invoice"}, rules, otherwise="file", review="ask", minimum_confidence=0.8))


def largest(manifest: BatchManifest) -> str:
    for row in read_results(manifest["output"]):
        reveal_type(row["document"])
    return max(manifest["categories"], key=lambda name: manifest["categories"][name])


ClassifyOperator(task_id="classify", document="scan.pdf", categories=["invoice"], wait_for_completion="yes")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--installer", "uv", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [wheel] = built.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path, *names: str, with_uv: bool = False) -> Path:
    """Install the wheel and what it requires into an empty environment. :returns: its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    requirement = f"{wheel}[{','.join(names)}]" if names else str(wheel)
    uv = [Path(sys.executable).with_name("uv"), "pip", "install", "--python", python]
    pip = uv if with_uv else [python, "-m", "pip", "install"]
    subprocess.run([*pip, "--quiet", requirement], check=True)
    return python


def check(python: Path, folder: Path, *names: str) -> None:
    """Run ``pip check`` and the checks of an installation with the Python of an environment."""
    document = folder / "invoice.txt"
    document.write_text(INVOICE)
    home = folder / "airflow"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "PYTHON"))}
    environment |= {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    for command in (
        ["-m", "pip", "check"],
        ["-m", "airflow", "db", "migrate"],
        ["-I", str(CHECK), str(ROOT / "dags"), str(document), *names],
    ):
        done = subprocess.run(
            [python, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_is_small_and_has_the_package_alone(wheel: Path) -> None:
    assert wheel.stat().st_size < MAX_BYTES
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"airflow_provider_classify"}
    assert [name for name in names if re.search(r"(^|/)(tests?|benchmarks?|training)(/|_)|test_\w+\.py", name)] == []
    needed = ("py.typed", "provider.yaml", "plugins/static/page.html", "engine/learned/model.npz")
    assert {f"airflow_provider_classify/{name}" for name in needed} <= set(names)
    licences = {name for name in names if ".dist-info/licenses/" in name}
    assert {name.rpartition("/")[2] for name in licences} == {"LICENSE", "chart.LICENSE.md"}


def test_the_source_distribution_can_build_and_test(built: Path) -> None:
    [source] = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", "README.md", "docs/index.md", "mkdocs.yml", "tests/test_dags.py"} <= names


def test_both_can_be_published(built: Path) -> None:
    files = [str(path) for path in built.iterdir()]
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True)


def described(wheel: Path) -> tuple[dict[str, str], str]:
    """Return the URLs of the project and its description, from the metadata of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    assert "Framework :: Apache Airflow :: Provider" in metadata.get_all("Classifier", [])
    urls = dict(entry.split(", ") for entry in metadata.get_all("Project-URL", []))
    return urls, str(metadata.get_payload())


def links_of(description: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", description)


def test_without_a_public_address_nothing_points_to_a_file(wheel: Path) -> None:
    urls, description = described(wheel)
    assert urls == {}
    assert [link for link in links_of(description) if not link.startswith(("https://", "#"))] == []
    assert "ClassifyBranchOperator" in description
    assert "docs/images" not in description


def test_with_a_public_address_links_work_outside_the_repository(built: Path, tmp_path: Path) -> None:
    address = "https://git.example.com/owner/name"
    [source] = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    [project] = tmp_path.iterdir()
    settings = (project / "pyproject.toml").read_text()
    assert settings.count('\nrepository = ""\n') == 1
    (project / "pyproject.toml").write_text(settings.replace('\nrepository = ""\n', f'\nrepository = "{address}/"\n'))
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path / "dist"), str(project)]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = (tmp_path / "dist").iterdir()
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", str(wheel)], check=True)

    urls, description = described(wheel)
    assert urls.keys() == {"Changelog", "Documentation", "Issues", "Source"}
    links = [*links_of(description), urls["Changelog"], urls["Documentation"]]
    files = [link.removeprefix(f"{address}/") for link in links if link.startswith(f"{address}/")]
    assert f"raw/main/{IMAGE}" in files
    assert len(files) > 20
    for file in files:
        path = re.sub(r"^(?:blob|raw)/main/", "", file).partition("#")[0]
        assert (ROOT / path).exists(), file
    assert [link for link in links if not link.startswith(("https://", "#"))] == []


@pytest.mark.timeout(1200)
def test_the_base_installation_works(wheel: Path, tmp_path: Path) -> None:
    python = install(wheel, tmp_path / "env", with_uv=True)
    check(python, tmp_path)
    check_types(python, tmp_path)


def check_types(python: Path, folder: Path) -> None:
    """A consumer's mypy uses the types of the installed package: ``py.typed`` is in the wheel."""
    (folder / "consumer.py").write_text(CONSUMER)
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "consumer.py"]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    assert "import-untyped" not in output
    assert 'Revealed type is "dict[str, Any]"' in output, output
    assert 'Revealed type is "str"' in output
    assert re.findall(r"error: (.*)", output) == [
        'Argument "wait_for_completion" to "ClassifyOperator" has incompatible type "str"; expected "bool"  [arg-type]'
    ], output


@pytest.mark.extras
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("extra", ["none", *EXTRAS, "all"])
def test_the_installation_with_pip_works(wheel: Path, tmp_path: Path, extra: str) -> None:
    names = {"none": [], "all": EXTRAS}.get(extra, [extra])
    check(install(wheel, tmp_path / "env", *names), tmp_path, *names)
