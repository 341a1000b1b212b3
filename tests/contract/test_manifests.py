from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from crmlink_common.contracts.topics import SERVICES
from crmlink_common.storage.roles import roles_script

DEPLOY = Path(__file__).parents[2] / "deploy"


def documents(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


def test_every_file_that_a_kustomization_names_is_there() -> None:
    found = list(DEPLOY.rglob("kustomization.yaml"))
    assert len(found) > len(SERVICES)
    for path in found:
        [told] = documents(path)
        for name in [*told.get("resources", []), *told.get("components", [])]:
            target = path.parent / name
            assert target.is_file() or (target / "kustomization.yaml").is_file(), (path, name)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_deployed_with_probes_limits_and_no_privilege(service: str) -> None:
    [deployment] = documents(DEPLOY / "base" / service / "deployment.yaml")
    pod = deployment["spec"]["template"]["spec"]
    [app] = pod["containers"]
    assert deployment["metadata"]["name"] == service
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert app["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert app["livenessProbe"]["httpGet"]["path"] == "/health/live"
    for container in [app, *pod["initContainers"]]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]


def test_no_secret_is_written_down() -> None:
    for path in DEPLOY.rglob("*.yaml"):
        for document in documents(path):
            assert document["kind"] != "Secret", path
            for generated in document.get("configMapGenerator", []):
                for literal in generated["literals"]:
                    name = literal.partition("=")[0]
                    assert not name.endswith(("_DSN", "_KEY", "_KEYS", "_TRUSTED")), (path, name)


def test_the_script_of_database_roles_is_the_one_that_the_development_stack_runs() -> None:
    assert (DEPLOY / "database" / "roles.sql").read_text() == roles_script()
