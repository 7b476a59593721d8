"""Events as OCSF: every type has a class, and what comes out is valid by the published schema."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from ragkit.audit.catalogue import CATALOGUE
from ragkit.compliance.ocsf import _BY_TYPE, CLASSES, UIDS, to_ocsf

OUTCOMES = ("ok", "denied", "error", "degraded")


@cache
def validator(version: str, name: str) -> Draft202012Validator:
    """A validator of the published schema of a class."""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version)).get_class_schema(name)
    return Draft202012Validator(schema)


def event(kind: str, *, outcome: str = "ok", **data: Any) -> dict[str, Any]:
    """An event with a whole envelope."""
    return {
        "v": 1,
        "log": "acme/ragkit/1",
        "tenant": "acme",
        "seq": 7,
        "id": "01932f00-0000-7000-8000-000000000000",
        "ts": "2026-11-22T10:00:00.123456Z",
        "mono_ns": 5,
        "boot": "b",
        "writer": "abcdefgh:12:34",
        "type": kind,
        "data": data,
        "outcome": outcome,
        "reason": "" if outcome == "ok" else "tls",
        "actor": {"kind": "user", "id": "h:" + "a" * 20, "groups": "h:" + "g" * 20, "auth": "caller"},
        "request": "0" * 32,
        "session": "",
        "trace": "",
        "span": "",
        "sw": {"ragkit": "0.1.0", "cfg": "h:" + "c" * 20},
    }


def test_every_type_of_the_catalogue_has_one_class() -> None:
    """A type that is added without a class would leave a SIEM blind to it."""
    assert CLASSES.keys() == CATALOGUE.keys()
    listed = [kind for kinds in _BY_TYPE.values() for one in kinds.values() for kind in one.split()]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("version", ["1.5.0", "1.8.0"])
def test_every_type_is_valid_by_the_published_schema(version: str) -> None:
    """Required attributes are there, all values have their types, and no attribute is one of ours."""
    of_uid = {uid: name for name, (uid, _) in UIDS.items()}
    for kind in CATALOGUE:
        for outcome in OUTCOMES:
            data = {
                "collection": "care",
                "destination": "far",
                "provider": "acme",
                "host": "api.example",
                "status": 200,
            }
            out = json.loads(json.dumps(to_ocsf(event(kind, outcome=outcome, **data))))
            problems = [
                f"{kind}: {one.message}" for one in validator(version, of_uid[out["class_uid"]]).iter_errors(out)
            ]
            assert not problems
            allowed = validator(version, of_uid[out["class_uid"]]).schema["properties"]
            assert out.keys() <= allowed.keys(), kind


@pytest.mark.parametrize("name", list(UIDS))
def test_classes_and_activities_are_those_of_the_schema(name: str) -> None:
    """A number of ours that the schema does not have would be taken for something else."""
    properties = validator("1.5.0", name).schema["properties"]
    assert properties["class_uid"]["const"] == UIDS[name][0]  # type: ignore[index]
    assert set(_BY_TYPE[name]) <= set(properties["activity_id"]["enum"])  # type: ignore[index]


def test_nothing_of_an_event_is_lost() -> None:
    """What OCSF has no place for stands under ``unmapped`` as it was."""
    out = to_ocsf(event("egress.intent", destination="far", bytes=512))
    assert out["unmapped"]["data"] == {"destination": "far", "bytes": 512}
    assert out["metadata"]["correlation_uid"] == "0" * 32
    assert out["metadata"]["sequence"] == 7
    assert out["time"] == 1795341600123
    assert out["dst_endpoint"]["name"] == "far"
    assert (out["class_uid"], out["type_uid"]) == (6003, 600301)


def test_a_refusal_is_a_failure_and_a_finding_is_graded() -> None:
    """Status and severity follow outcome and type."""
    assert to_ocsf(event("auth.denied", outcome="denied"))["status_id"] == 2
    assert to_ocsf(event("auth.ok"))["status_id"] == 1
    assert to_ocsf(event("incident.reported", severity="serious"))["severity_id"] == 5
    assert to_ocsf(event("guard.triggered"))["severity_id"] == 3
    assert to_ocsf(event("doc.added"))["severity_id"] == 1


def test_a_type_of_a_newer_ragkit_is_the_base_event() -> None:
    """It is exported all the same."""
    out = to_ocsf(event("query.dreamt"))
    assert (out["class_uid"], out["activity_name"]) == (0, "query.dreamt")
    assert not list(validator("1.5.0", "base_event").iter_errors(out))
