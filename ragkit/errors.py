"""Every error ragkit raises, in one tree.

::

    RagkitError
    ├── ConfigError              ragkit.toml is missing, malformed or refused
    │   ├── UnknownKey           a key nobody reads, with the nearest right one
    │   └── SecretUnavailable    a secret's variable, file or command gave nothing
    ├── MissingDependency        an extra is not installed (also an ImportError)
    ├── ModelError               weights absent, or not the ones ragkit was measured with
    ├── AccessDenied             the principal may not do this
    ├── SourceError              a connector cannot read its source at all
    │   └── MassDeletion         a pass would delete more than the configured share
    ├── ItemError                one item failed; it is quarantined, the run goes on
    │   ├── ParseError           the bytes could not be read as what they claim to be
    │   ├── ItemRefused          a policy or limit refuses the item
    │   └── SecretFound          credentials in the text, and the policy quarantines them
    ├── MaskingError             masking could not be done; nothing passes unmasked
    │   ├── EmptyPolicy          a policy that would mask nothing
    │   └── VaultError           a token or value could not be stored or restored
    ├── StoreError               the record store
    │   ├── WriterBusy           another process holds the write lock; it is named
    │   ├── NoSuchDocument       no such document, or none that the principal may see
    │   ├── NotUploaded          a document of another source, to be deleted there
    │   ├── ExternalIdTaken      another's document came with that id
    │   ├── StoreCorrupt         the store failed its integrity check
    │   └── KeyMismatch          the root key does not open this workspace
    │       └── KeyDestroyed     the record's own key is gone, as it should be after an erasure
    ├── IndexProblem             the derived index
    │   ├── IndexUnhealthy       the generation failed its probe; exact search answers
    │   ├── ManifestMismatch     built under another policy, encoder or chunker
    │   └── ChunkTooLong         a chunk would be cut silently by the encoder
    ├── SubjectUnclear           nobody, or several people, have the value that was given
    ├── HeldBack                 a legal hold keeps what was to be deleted
    ├── UnknownId                nothing in the event log has the id that was given
    ├── BackupError              a backup cannot be made, or is not to be restored
    ├── FilterRefused            an unknown filter key or an empty filter
    ├── GenerationError          the generator failed
    │   ├── GeneratorUnavailable     not reachable, overloaded, out of time, or its circuit is open
    │   ├── GeneratorRefused         it refuses the call: key, model, size of the prompt
    │   └── GeneratorGarbled         its reply is not what its API promises, or far too much of it
    ├── EgressRefused            policy does not let this leave for that destination
    │   └── EgressLeak               personal data in the final bytes; nothing was sent
    ├── BudgetExceeded           no tokens or money left for this principal or collection
    ├── ServiceGone              the service that was to write ended, is stuck, or is another version
    ├── EvaluationError          queries and judgements that do not fit each other
    └── AuditUnavailable         the event could not be recorded, so nothing was done
        └── EventRefused         an event does not fit the catalogue; a fault of the code that wrote it

Each error carries a ``remedy``: what the reader should do next. No message, remedy or repr contains
document text, a file name, a question or a key: only ids, counts, types and positions.
"""

from __future__ import annotations


class RagkitError(Exception):
    """Root of the tree.

    Args:
        message: What happened, without any document text.
        remedy: What to do about it, as an imperative sentence.
    """

    remedy: str = ""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        if remedy:
            self.remedy = remedy


class ConfigError(RagkitError):
    """``ragkit.toml`` is missing, malformed, or asks for something ragkit refuses."""


class UnknownKey(ConfigError):
    """A key that no part of ragkit reads; the remedy names the nearest right one."""


class SecretUnavailable(ConfigError):
    """A secret's environment variable, file or command is absent or empty."""


class MissingDependency(RagkitError, ImportError):
    """An optional package is not installed; the remedy is the ``pip install`` line."""


class ModelError(RagkitError):
    """Model files are absent, or differ from the pinned hashes."""


class AccessDenied(RagkitError):
    """The principal is not entitled. Says the same whether or not the thing exists."""


class SourceError(RagkitError):
    """A connector cannot read its source at all (as against one bad item)."""


class MassDeletion(SourceError):
    """A full pass would delete more documents than ``max_delete_share`` allows."""


class ItemError(RagkitError):
    """One source item failed. The item is quarantined under ``code``; the run goes on.

    Args:
        message: What happened, without any document text.
        code: A short stable word for tables and scripts, such as ``encrypted-pdf``.
        remedy: What to do about it.
    """

    def __init__(self, message: str, *, code: str = "failed", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the pipe from the sandboxed child, keyword arguments included."""
        return (_rebuild_item_error, (type(self), str(self), self.code, self.remedy))


def _rebuild_item_error(kind: type[ItemError], message: str, code: str, remedy: str) -> ItemError:
    return kind(message, code=code, remedy=remedy)


class ParseError(ItemError):
    """The bytes could not be read as the format they claim or appear to be."""


class ItemRefused(ItemError):
    """A policy, size or type limit refuses the item."""


class SecretFound(ItemError):
    """The text holds credentials and the policy quarantines such documents."""


class MaskingError(RagkitError):
    """Masking could not be done. Nothing passes unmasked."""


class EmptyPolicy(MaskingError):
    """The policy names no entity, or no detector is there to find them."""


class VaultError(MaskingError):
    """A token or value could not be stored, restored or opened."""


class StoreError(RagkitError):
    """The record store could not be read or written."""


class WriterBusy(StoreError):
    """Another process holds the write lock; the message names it."""


class NoSuchDocument(StoreError):
    """There is no such document, or the principal may not see it; the same in both cases."""

    remedy = "Check the id; `ragkit documents list` shows the documents that you may see."


class NotUploaded(StoreError):
    """The document comes from a source that ragkit only reads; it is deleted there."""


class ExternalIdTaken(StoreError):
    """Another's document came with this `external_id`, and whoever hands this one in may not see it."""

    remedy = "Choose another `external_id`, or leave it out."


class StoreCorrupt(StoreError):
    """The record store failed its integrity check."""


class KeyMismatch(StoreError):
    """The root key is not the one this workspace was made with."""


class KeyDestroyed(KeyMismatch):
    """The key of one record is destroyed: erased for good, in every copy of the record store too."""


class IndexProblem(RagkitError):
    """The derived index cannot be used as it is. It can always be rebuilt."""


class IndexUnhealthy(IndexProblem):
    """A generation failed its probe. Exact search answers until the rebuild."""


class ManifestMismatch(IndexProblem):
    """The index was built under another policy, encoder or chunker."""


class ChunkTooLong(IndexProblem):
    """A chunk has more word pieces than the encoder reads; it would be cut silently."""


class SubjectUnclear(RagkitError):
    """A value is nobody's here, or several people's and none of them was named."""


class HeldBack(RagkitError):
    """A legal hold keeps what was to be deleted.

    Args:
        message: Naming the holds by their ids.
        holds: The ids.
        remedy: What to do about it.
    """

    def __init__(self, message: str, *, holds: tuple[str, ...] = (), remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.holds = holds


class UnknownId(RagkitError):
    """Nothing in the event log has the id that was given."""


class BackupError(RagkitError):
    """A backup cannot be made, or is damaged, altered, of another workspace, or older than the keys allow."""


class FilterRefused(RagkitError):
    """A metadata filter names an unknown key, or is empty."""


class GenerationError(RagkitError):
    """The generator failed or returned something that is not an answer.

    Args:
        message: What happened, without any text of prompt or reply.
        code: A short stable word for events and scripts, such as ``no-model``; empty where none fits.
        remedy: What to do about it.
    """

    def __init__(self, message: str, *, code: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


class GeneratorUnavailable(GenerationError):
    """The server cannot be reached, is overloaded, took too long, or failed so often that it is left alone a while."""


class GeneratorRefused(GenerationError):
    """The server refuses the call: no or a wrong key, no such model, a prompt beyond its context."""


class GeneratorGarbled(GenerationError):
    """The reply is not what the API promises: malformed, cut, endless or beyond the limit on bytes."""


class EgressRefused(RagkitError):
    """Policy does not let this leave for that destination; nothing was sent."""


class EgressLeak(EgressRefused):
    """The final bytes hold personal data; nothing was sent. Counts by entity type, never the data."""


class BudgetExceeded(RagkitError):
    """The tokens or the money of this principal, collection or period are used up.

    Args:
        message: Naming the budget by its place.
        then: What the budget wants instead: ``small`` or ``refuse``.
        budget: Its place in ``ragkit.toml``, from 0.
        remedy: What to do about it.
    """

    def __init__(self, message: str, *, then: str = "refuse", budget: int = 0, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.then = then
        self.budget = budget


class ServiceGone(RagkitError):
    """The running service, which writes for the command line, ended meanwhile, is stuck, or is of another version."""


class EvaluationError(RagkitError):
    """Queries and judgements are malformed, or do not fit each other or the collection."""


class AuditUnavailable(RagkitError):
    """An event could not be recorded durably, so the action was not taken.

    Attributes:
        code: For scripts and services.
        status: What a service answers over HTTP.
    """

    code: str = "audit_unavailable"
    status: int = 503


class EventRefused(AuditUnavailable):
    """An event does not fit the catalogue: an unknown type or key, or a value that could be content."""

    code = "event_refused"
    status = 500


class CheckpointRefused(RagkitError):
    """The log was not signed: it does not continue what was signed before, or the key is gone.

    Args:
        message: What was found.
        code: A short stable word for the event ``checkpoint.refused``: ``rolled-back``, ``edited``, ``no-key``,
            ``other-key``, ``other-origin``, ``bad-notes``, ``bad-seen``.
        size: Lines of the log.
        seen: Size of the newest checkpoint that is known.
        remedy: What to do about it.
    """

    def __init__(self, message: str, *, code: str, size: int = 0, seen: int = 0, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code
        self.size = size
        self.seen = seen


class NotReproducible(RagkitError):
    """An answer cannot be replayed; the message says what is missing."""


class EvidenceGone(NotReproducible):
    """What an answer was made of is not kept any more, or never was.

    Args:
        message: What is not there.
        cause: ``erasure`` of a person in it, ``document`` that went with its text, ``age``, ``request`` of an officer,
            or ``missing``: it was never kept.
        remedy: What to do about it.
    """

    def __init__(self, message: str, *, cause: str, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.cause = cause


class ApprovalNeeded(AccessDenied):
    """A second officer has to approve this first."""
