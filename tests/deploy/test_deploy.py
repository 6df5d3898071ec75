"""
The files in ``deploy/``: linters accept them, and the commands that they name run a service here, without a container.

A linter that is not installed is skipped with a message. ``make test`` installs those that this machine can have.
"""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.faults.postgres import create_database, program, running_postgres
from tests.support.command_service import serving
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
DEPLOYMENTS = {found["metadata"]["name"]: found for found in MANIFESTS if found["kind"] == "Deployment"}
ROLES = ("api", "worker")


def needs(tool: str) -> str:
    """Return the path of a program; skip the test if it is not installed."""
    found = shutil.which(tool, path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip(f"{tool} is not installed.")
    return found


def instruction(name: str) -> Any:
    """Return the JSON of the last instruction of the Dockerfile with this name."""
    joined = DOCKERFILE.replace("\\\n", " ")
    [*_, found] = re.findall(rf"^{name} .*?(\[.*\])$", joined, re.MULTILINE)
    return json.loads(found)


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "classify.service")
    return parser


def options(arguments: list[str], **replaced: str) -> list[str]:
    """Return the options of a command for ``airflow-classify serve``, with other values for some of them."""
    assert arguments[:2] == ["airflow-classify", "serve"]
    changed = list(arguments[2:])
    for name, value in replaced.items():
        changed[changed.index(f"--{name}") + 1] = value
    return changed


def classified(api: httpx.Client) -> dict[str, Any]:
    """Submit a letter and return its result."""
    files = {"pdf_file": ("letter.txt", b"Dear Mrs. Brown,\n\nthank you for your letter.\n\nYours sincerely")}
    submitted = api.post("/classify", files=files, data={"categories": '["letter", "invoice"]'}).raise_for_status()
    job = f"/classify/{submitted.json()['job_id']}"
    wait_until(lambda: api.get(job).json()["status"] in ("completed", "failed"))
    return dict(api.get(job).json()["result"])


def test_hadolint_accepts_the_dockerfile() -> None:
    subprocess.run([needs("hadolint"), DEPLOY / "Dockerfile"], check=True)


def test_the_image_has_what_the_package_is_built_from() -> None:
    lines = re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
    copied = [word for line in lines for word in line.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    hatch = settings["tool"]["hatch"]
    assert "custom" in hatch["metadata"]["hooks"]  # hatch_build.py, which reads the README
    named = [
        "hatch_build.py",
        "README.md",
        *settings["project"]["license-files"],
        *hatch["build"]["targets"]["wheel"]["packages"],
    ]
    assert {Path(name).parts[0] for name in named} <= set(copied)
    kept = re.findall(r"^!(.*)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert set(kept) == set(copied)


@pytest.mark.skipif(find_spec("compose_spec") is None, reason="compose-spec is not installed.")
def test_the_compose_file_follows_the_specification() -> None:
    from compose_spec import PyCompose

    PyCompose.from_yaml(yaml.safe_dump(COMPOSE)).validate()


def test_the_compose_file_names_only_what_it_has() -> None:
    example = set(re.findall(r"^(\w+)=$", (DEPLOY / "classify.env.example").read_text(), re.MULTILINE))
    used = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    assert used == example
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"])
        volumes = [volume.split(":")[0] for volume in service.get("volumes", ())]
        assert all(name in COMPOSE["volumes"] or (DEPLOY / name).exists() for name in volumes)
    assert (DEPLOY / COMPOSE["services"]["api"]["build"]["context"] / "deploy" / "Dockerfile").exists()


def test_promtool_accepts_the_configuration(tmp_path: Path) -> None:
    secret = tmp_path / "classify-key"
    secret.write_text("a key")
    text = (DEPLOY / "prometheus.yml").read_text()
    assert "/run/secrets/classify-key" in text
    assert "classify-key" in COMPOSE["services"]["prometheus"]["secrets"]
    config = tmp_path / "prometheus.yml"
    config.write_text(text.replace("/run/secrets/classify-key", str(secret)))
    subprocess.run([needs("promtool"), "check", "config", config], check=True)
    [scraped] = yaml.safe_load(text)["scrape_configs"][0]["dns_sd_configs"]
    assert set(scraped["names"]) <= set(COMPOSE["services"])


@pytest.mark.skipif(find_spec("kubernetes_validate") is None, reason="kubernetes-validate is not installed.")
@pytest.mark.parametrize("version", ["1.31", "1.34"])
def test_the_manifests_follow_the_schemas_of_kubernetes(version: str) -> None:
    import kubernetes_validate

    for manifest in MANIFESTS:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_manifests_fit_together() -> None:
    [config] = [found for found in MANIFESTS if found["kind"] == "ConfigMap"]
    for role in ROLES:
        pod = DEPLOYMENTS[f"classify-{role}"]["spec"]["template"]
        [container] = pod["spec"]["containers"]
        assert set(re.findall(r"\$\((\w+)\)", " ".join(container["args"]))) <= set(config["data"])
        assert {mount["name"] for mount in container["volumeMounts"]} == {
            each["name"] for each in pod["spec"]["volumes"]
        }
        assert (
            DEPLOYMENTS[f"classify-{role}"]["spec"]["selector"]["matchLabels"].items()
            <= pod["metadata"]["labels"].items()
        )
    for kind in ("Service", "PodDisruptionBudget"):
        [found] = [manifest for manifest in MANIFESTS if manifest["kind"] == kind]
        selector = found["spec"]["selector"]
        wanted = selector.get("matchLabels", selector)
        assert wanted.items() <= DEPLOYMENTS["classify-api"]["spec"]["template"]["metadata"]["labels"].items()


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    verify = needs("systemd-analyze")
    start = shlex.split(unit()["Service"]["ExecStart"])
    text = (DEPLOY / "classify.service").read_text()
    copy = tmp_path / "classify.service"
    copy.write_text(text.replace(start[0], str(Path(sys.executable).with_name("airflow-classify"))))
    done = subprocess.run([verify, "verify", copy], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_runs_a_service_that_its_health_check_accepts(tmp_path: Path) -> None:
    command = instruction("ENTRYPOINT")
    with serving(tmp_path, *options(command, data=str(tmp_path), port="0"), CLASSIFY_API_KEY="k") as client:
        assert classified(client)["classification"] == "letter"
        _, *check = instruction("HEALTHCHECK")
        port = str(client.base_url.port)
        assert "8600" in check[-1]
        subprocess.run([sys.executable, *(word.replace("8600", port) for word in check)], check=True)


def test_the_unit_runs_a_service(tmp_path: Path) -> None:
    command = shlex.split(unit()["Service"]["ExecStart"])
    command[0] = Path(command[0]).name
    with serving(tmp_path, *options(command, data=str(tmp_path), port="0"), CLASSIFY_API_KEY="k") as client:
        assert client.get("/health").status_code == 200
        assert classified(client)["classification"] == "letter"


@contextmanager
def processes(tmp_path: Path, commands: dict[str, list[str]]) -> Iterator[dict[str, httpx.Client]]:
    """Run a process for each role, which share a new database and a folder."""
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres(tmp_path / "postgres.log"))
        database = create_database(server, "classify").render_as_string(hide_password=False)
        env = {"CLASSIFY_API_KEY": "k", "CLASSIFY_DATABASE": database}
        yield {
            role: stack.enter_context(serving(tmp_path / role, *options(command, port="0"), **env))
            for role, command in commands.items()
        }


@pytest.mark.skipif(program("postgres") is None, reason="PostgreSQL is not installed.")
@pytest.mark.parametrize("where", ["compose", "kubernetes"])
def test_the_processes_of_a_cluster_share_the_work(tmp_path: Path, where: str) -> None:
    added = {
        "compose": {role: COMPOSE["services"][role]["command"] for role in ROLES},
        "kubernetes": {
            role: DEPLOYMENTS[f"classify-{role}"]["spec"]["template"]["spec"]["containers"][0]["args"] for role in ROLES
        },
    }[where]
    commands = {}
    for role in ROLES:
        arguments = options(
            [*instruction("ENTRYPOINT"), *added[role]], data=str(tmp_path / role), documents=str(tmp_path)
        )
        commands[role] = ["airflow-classify", "serve", *arguments]
    with processes(tmp_path, commands) as clients:
        assert classified(clients["api"])["classification"] == "letter"
        for client in clients.values():
            for path in ("/health/live", "/health/ready"):
                assert client.get(path).status_code == 200, path
            metrics = httpx.get(f"{client.base_url}/metrics", headers={"Authorization": "Bearer k"})
            assert metrics.status_code == 200
