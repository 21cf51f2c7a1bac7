"""What can be said of the files for deploying without a container engine: their own validators, and ours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fengsui.cli import parser
from fengsui.cli.roles import ROLES
from fengsui.config import load
from tests.support import engines, go

DEPLOY = Path("deploy")
CHART = DEPLOY / "helm" / "fengsui"
KUBERNETES = ("--kube-version", "1.31.0")
BOARDS = sorted(Path("dashboards/grafana/dashboards").glob("*.json"))


def compose() -> dict[str, Any]:
    """The compose file with its variables filled in, as an engine would read it."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(re.sub(r"\$\{(\w+)(?::(?:-([^}]*)|\?[^}]*))?\}",
                                 lambda m: m[2] or f"a-{m[1].lower()}-for-tests", text))  # fmt: skip


def ours() -> dict[str, Any]:
    """The services that run Fengsui."""
    return {n: s for n, s in compose()["services"].items() if s["image"].startswith("fengsui:")}


def test_the_compose_file_fits_the_specification():
    folder = go.source("compose-go", "github.com/compose-spec/compose-go/v2@v2.9.0")
    schema = json.loads((folder / "schema" / "compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(compose())
    broken = compose()
    broken["services"]["api"]["restarts"] = "always"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate(broken)


def test_every_role_has_a_service_whose_command_is_understood():
    assert set(ours()) == {*ROLES, "api"}
    for name, service in ours().items():
        assert parser("en").parse_args(service["command"]).command == name


def test_the_settings_of_every_service_are_known():
    for service in ours().values():
        names = {k: v for k, v in service["environment"].items() if k.startswith("FENGSUI_")}
        assert load(environment=names).kafka_bootstrap == ("kafka:9092",)


def test_services_of_ours_can_write_nowhere_and_only_two_ports_are_open_on_this_machine_alone():
    for service in ours().values():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    ports = [p for s in compose()["services"].values() for p in s.get("ports", ())]
    assert ports == ["127.0.0.1:8000:8000", "127.0.0.1:3000:3000"]


def test_every_variable_without_a_default_is_in_the_example():
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r"\$\{(\w+):\?", text))
    given = set(re.findall(r"^(\w+)=", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
    assert asked
    assert asked <= given


def test_images_have_a_version():
    for name, service in compose()["services"].items():
        if name not in ours():
            assert re.search(r":[\w.-]*\d", service["image"]), name
    froms = re.findall(r"^(?:ARG PYTHON=|FROM )(\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert len(froms) == 3
    assert not any("latest" in f for f in froms)


def test_the_image_runs_as_nobody_of_importance_and_says_a_command_that_is_there():
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    command = json.loads(re.findall(r"^CMD (.*)$", text, re.MULTILINE)[-1])
    assert parser("en").parse_args(command).command == "serve"
    for source in re.findall(r"^COPY (?!--from)(.*) \./$", text, re.MULTILINE):
        for name in source.split():
            assert Path(name).exists(), name


def test_the_lock_has_what_the_package_needs():
    locked = dict(line.split("==") for line in (DEPLOY / "requirements.lock").read_text().splitlines()[1:])
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for line in [*project["dependencies"], *extras["large"], *extras["traces"]]:
        need = Requirement(line)
        assert need.specifier.contains(locked[canonicalize_name(need.name)]), line


def helm(*words: str) -> str:
    program = go.program("helm", "helm.sh/helm/v3/cmd/helm@latest")
    ran = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def rendered(*words: str) -> list[dict[str, Any]]:
    out = helm("template", "f", str(CHART), *KUBERNETES, "--set", "secret=s", *words)
    return [d for d in yaml.safe_load_all(out) if d]


def of(kind: str, documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {d["metadata"]["name"]: d for d in documents if d["kind"] == kind}


def test_the_chart_is_well_formed():
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), "--set", "secret=s")


def test_every_role_is_a_set_with_probes_that_reach_it_and_settings_that_are_known():
    assert "f-pack" not in of("StatefulSet", rendered())
    sets = of("StatefulSet", rendered("--set", "roles.pack.enabled=true"))
    assert set(sets) == {f"f-{r}" for r in (*ROLES, "api")}
    for name, found in sets.items():
        (container,) = found["spec"]["template"]["spec"]["containers"]
        assert parser("en").parse_args(container["args"]).command == name.removeprefix("f-")
        load(environment={e["name"]: e["value"] for e in container["env"] if "value" in e})
        ports = {p["name"] for p in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] in ports
        assert container["securityContext"]["readOnlyRootFilesystem"]


def test_several_of_a_role_are_not_all_taken_away_at_once():
    documents = rendered()
    budgets = of("PodDisruptionBudget", documents)
    for name, found in of("StatefulSet", documents).items():
        assert (name in budgets) == (found["spec"]["replicas"] > 1), name


def test_roles_grow_with_their_lag_where_that_is_asked_for():
    documents = rendered("--set", "roles.sink.autoscaling.enabled=true")
    (scaler,) = of("HorizontalPodAutoscaler", documents).values()
    assert scaler["spec"]["scaleTargetRef"]["name"] == "f-sink"
    metric = scaler["spec"]["metrics"][0]["external"]["metric"]
    assert metric["selector"]["matchLabels"] == {"role": "sink"}
    recorded = [r["record"] for r in rules() if "record" in r]
    assert metric["name"] in recorded
    assert "replicas" not in of("StatefulSet", documents)["f-sink"]["spec"]


def test_a_console_for_others_asks_for_encryption_and_a_chart_for_its_secret():
    program = go.program("helm", "helm.sh/helm/v3/cmd/helm@latest")
    for words, said in ((["--set", "secret=s,api.ingress.enabled=true,api.ingress.host=h"], "tlsSecret"),
                        ([], "secret")):  # fmt: skip
        ran = subprocess.run([program, "template", "f", str(CHART), *KUBERNETES, *words],
                             capture_output=True, text=True, check=False)  # fmt: skip
        assert ran.returncode
        assert said in ran.stderr


def rules() -> list[dict[str, Any]]:
    found = yaml.safe_load((DEPLOY / "prometheus" / "alarms.yaml").read_text(encoding="utf-8"))
    return [r for g in found["groups"] for r in g["rules"]]


def test_boards_and_alarms_ask_for_metrics_that_are_there():
    page = Path("docs/metrics.md").read_text(encoding="utf-8")
    there = set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) | {r["record"] for r in rules() if "record" in r}
    asked = [r["expr"] for r in rules()]
    for board in BOARDS:
        panels = json.loads(board.read_text(encoding="utf-8"))["panels"]
        assert panels
        asked += [t["expr"] for p in panels for t in p["targets"]]
    for expression in asked:
        for name in re.findall(r"fengsui_\w+", expression):
            assert re.sub(r"_(bucket|count|sum)$", "", name) in there or name in there, expression


def test_the_chart_carries_the_same_board():
    for board in BOARDS:
        assert (CHART / "dashboards" / board.name).read_bytes() == board.read_bytes()


@pytest.mark.parametrize("unit", sorted(p.name for p in (DEPLOY / "systemd").iterdir()))
def test_units_are_understood(tmp_path, unit):
    if shutil.which("systemd-analyze") is None:
        engines.lack("systemd", "systemd-analyze is not on the path")
    program = tmp_path / "fengsui"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = (DEPLOY / "systemd" / unit).read_text().replace("/opt/fengsui/bin/fengsui", str(program))
    name = unit.replace("@", "@sink")
    (tmp_path / name).write_text(text.replace("User=fengsui", "User=root").replace("Group=fengsui", "Group=root"))
    ran = subprocess.run(["systemd-analyze", "verify", "--man=no", str(tmp_path / name)],
                         capture_output=True, text=True, check=False)  # fmt: skip
    said = [line for line in ran.stderr.splitlines() if name in line]
    assert said == [], ran.stderr
