"""Which status every error of the library has over HTTP, and what of it a caller may read."""

from __future__ import annotations

import inspect

import pytest

from ragkit import errors
from ragkit.errors import RagkitError
from ragkit.serve.replies import described
from ragkit.serve.statuses import TOLD, told

EVERY = [one for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, RagkitError)]
SECRET = "Galina Yalmanova"


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_of_the_library_has_a_row(kind: type[RagkitError]) -> None:
    """A new one without a row fails here, rather than to be answered by chance."""
    row = TOLD[kind]
    assert 400 <= row.status <= 504
    assert row.retry_after == 0 or row.status in (409, 503)


def test_a_class_below_one_with_a_row_has_that_row() -> None:
    """Errors of other packages are answered as what they are."""

    class Odd(errors.GeneratorUnavailable):
        pass

    assert told(Odd("x")) is TOLD[errors.GeneratorUnavailable]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.AccessDenied("no"), 403, "access_denied"),
        (errors.AuditUnavailable("no"), 503, "audit_unavailable"),
        (errors.EventRefused("no"), 500, "event_refused"),
        (errors.WriterBusy("no"), 409, "writer_busy"),
        (errors.StoreError("no"), 503, "nothing_synced"),
        (errors.ManifestMismatch("no"), 503, "index_outdated"),
        (errors.FilterRefused("no"), 400, "filter_refused"),
        (errors.ConfigError("no"), 400, "not_configured"),
        (errors.SecretUnavailable("no"), 500, "service_misconfigured"),
        (errors.GenerationError("no"), 502, "generator_failed"),
        (errors.GeneratorUnavailable("no"), 503, "generator_unavailable"),
        (errors.EgressRefused("no"), 403, "egress_refused"),
        (errors.BudgetExceeded("no"), 429, "insufficient_quota"),
        (errors.ItemRefused("no", code="encrypted-pdf"), 422, "encrypted-pdf"),
        (errors.KeyDestroyed("no"), 404, "not_found"),
    ],
)
def test_the_statuses_that_clients_count_on(error: RagkitError, status: int, code: str) -> None:
    """Clients branch on these."""
    answered, said, headers = described(error)
    assert (answered, said["code"]) == (status, code)
    assert ("Retry-After" in headers) == bool(told(error).retry_after)


def test_openai_clients_are_told_not_to_repeat_what_will_not_work() -> None:
    """They repeat 429 and 5xx by themselves."""
    assert described(errors.BudgetExceeded("no"))[2]["X-Should-Retry"] == "false"
    assert "X-Should-Retry" not in described(errors.GeneratorUnavailable("no"))[2]


def test_what_is_about_the_machine_is_not_told_to_callers() -> None:
    """Folders, processes and names of other collections are for whoever runs the service."""
    for error in (
        errors.ConfigError(SECRET, remedy=SECRET),
        errors.StoreError(SECRET, remedy=SECRET),
        errors.WriterBusy(SECRET, remedy=SECRET),
        errors.ModelError(SECRET, remedy=SECRET),
        errors.SourceError(SECRET, remedy=SECRET),
        errors.AuditUnavailable(SECRET, remedy=SECRET),
        errors.ItemRefused("no", code=SECRET),
    ):
        assert SECRET not in str(described(error))


def test_hidden_and_absent_things_are_answered_alike() -> None:
    """A record whose key is destroyed, a document one may not see, and an id that never was."""
    alike = [described(kind("no")) for kind in (errors.KeyDestroyed, errors.NoSuchDocument, errors.UnknownId)]
    assert alike[0] == alike[1] == alike[2]
