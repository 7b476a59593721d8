"""Which HTTP status each error of the library has, and what a caller is told of it.

A caller reads a library's message only where it is about what the caller sent. What is about the machine (a folder, a
key, a process that writes) is for whoever runs the service: the caller gets the sentence of this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ragkit import errors


@dataclass(frozen=True, slots=True)
class Told:
    """What is answered for one class of errors, and for those below it that have no row.

    Attributes:
        status: Of HTTP.
        code: A short stable word for scripts.
        message: What the caller reads; empty for the error's own message and remedy.
        remedy: With ``message``.
        retry_after: In seconds, where it may work later.
        final: The client should not try again by itself, though the status would have it do so.
    """

    status: int
    code: str
    message: str = ""
    remedy: str = ""
    retry_after: int = 0
    final: bool = False


_OPERATOR = "Tell whoever runs this service; its log has the request id."
_LATER = "Try again later; if it stays so, tell whoever runs this service."
_BROKEN = Told(500, "internal_error", "the service is at fault", _OPERATOR)
_UNCONFIGURED = Told(500, "service_misconfigured", "a part of this service is not set up", _OPERATOR)
_STORE = Told(503, "store_unavailable", "the record store cannot be used", _LATER, 5)
_INDEX = Told(503, "index_unavailable", "the index cannot be used as it is", _LATER, 5)
_SOURCE = Told(502, "source_unavailable", "a source cannot be read", _OPERATOR)
_MASKING = Told(503, "masking_failed", "it could not be masked, so nothing was done with it", _OPERATOR, final=True)
_BUSY_ELSEWHERE = Told(409, "writer_busy", "something else is being written here", "Try again in a moment.", 2)
_ITEM = Told(422, "item_refused")
_FORBIDDEN = Told(403, "access_denied")
_AUDIT = Told(503, "audit_unavailable", "it could not be recorded, so it was not done", _LATER, 5)
_NOT_THERE = Told(404, "not_found", "there is no such thing here")

TOLD: Mapping[type[errors.RagkitError], Told] = {
    errors.RagkitError: Told(400, "refused"),
    errors.ConfigError: Told(
        400, "not_configured", "this service has nothing of that name", "Check the names that the request gives."
    ),
    errors.UnknownKey: _UNCONFIGURED,
    errors.SecretUnavailable: _UNCONFIGURED,
    errors.MissingDependency: _UNCONFIGURED,
    errors.ModelError: _UNCONFIGURED,
    errors.AccessDenied: _FORBIDDEN,
    errors.ApprovalNeeded: Told(403, "approval_needed"),
    errors.SourceError: _SOURCE,
    errors.MassDeletion: Told(
        409, "mass_deletion", "a source would lose more documents than is allowed, so none was deleted", _OPERATOR
    ),
    errors.ItemError: _ITEM,
    errors.ParseError: _ITEM,
    errors.ItemRefused: _ITEM,
    errors.SecretFound: Told(422, "secret_found"),
    errors.MaskingError: _MASKING,
    errors.EmptyPolicy: _UNCONFIGURED,
    errors.VaultError: _MASKING,
    errors.StoreError: Told(503, "nothing_synced", "there is nothing here to answer from", _LATER, 5),
    errors.WriterBusy: _BUSY_ELSEWHERE,
    errors.NoSuchDocument: _NOT_THERE,
    errors.NotUploaded: Told(409, "not_uploaded"),
    errors.ExternalIdTaken: Told(409, "external_id_taken", final=True),
    errors.StoreCorrupt: _STORE,
    errors.KeyMismatch: _STORE,
    errors.KeyDestroyed: _NOT_THERE,
    errors.IndexProblem: _INDEX,
    errors.IndexUnhealthy: _INDEX,
    errors.ManifestMismatch: Told(
        503, "index_outdated", "the index was built under other settings and waits to be built again", _LATER, 30
    ),
    errors.ChunkTooLong: _INDEX,
    errors.SubjectUnclear: Told(409, "subject_unclear"),
    errors.HeldBack: Told(409, "held_back"),
    errors.UnknownId: _NOT_THERE,
    errors.BackupError: _BROKEN,
    errors.FilterRefused: Told(400, "filter_refused"),
    errors.GenerationError: Told(502, "generator_failed", "the generator failed", _LATER),
    errors.GeneratorUnavailable: Told(503, "generator_unavailable", "the generator does not answer", _LATER, 5),
    errors.GeneratorRefused: Told(502, "generator_refused", "the generator refuses the call", _OPERATOR, final=True),
    errors.GeneratorGarbled: Told(502, "generator_garbled", "the generator's reply is not one", _LATER),
    errors.EgressRefused: Told(
        403, "egress_refused", "policy does not let this leave for the generator; nothing was sent"
    ),
    errors.EgressLeak: Told(
        403, "egress_leak", "personal data was left in what would have been sent; nothing was sent", _OPERATOR
    ),
    errors.BudgetExceeded: Told(
        429, "insufficient_quota", "no tokens or money are left for this", "Wait for the next period.", final=True
    ),
    errors.ServiceGone: Told(503, "service_gone", "the service that writes has ended", _LATER, 5),
    errors.EvaluationError: Told(400, "evaluation_refused"),
    errors.AuditUnavailable: _AUDIT,
    errors.EventRefused: Told(500, "event_refused", "it could not be recorded, so it was not done", _OPERATOR),
    errors.CheckpointRefused: Told(503, "checkpoint_refused", "the audit log was not signed", _OPERATOR, final=True),
    errors.NotReproducible: Told(409, "not_reproducible"),
    errors.EvidenceGone: Told(410, "evidence_gone"),
}
"""By class; one without a row has that of the nearest class above it."""


def told(error: errors.RagkitError) -> Told:
    """Return the row of an error's class or of the nearest class above it."""
    return next(TOLD[kind] for kind in type(error).__mro__ if kind in TOLD)
