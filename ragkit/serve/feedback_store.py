"""Feedback on answers, however they were asked for: ``feedback_of(tenant).add(...)``."""

from __future__ import annotations

from dataclasses import dataclass

from ragkit.desk.feedback import REASONS as REASONS
from ragkit.desk.feedback import Rating as Rating
from ragkit.serve.tenants import Tenant
from ragkit.types import Principal


@dataclass(frozen=True, slots=True)
class TenantFeedback:
    """Takes feedback for one tenant; comments are masked before they are kept, sealed."""

    tenant: Tenant

    def add(
        self,
        *,
        request_id: str,
        subject: str,
        rating: Rating,
        reason: str = "",
        comment: str = "",
        collection: str | None = None,
    ) -> str:
        """Keep what a principal thinks of an answer; of two the last counts. Returns the feedback's id.

        Args:
            request_id: Of the answer.
            subject: Of the principal.
            rating: ``up`` or ``down``.
            reason: One of :data:`REASONS`, or none.
            comment: As typed.
            collection: Whose policy masks the comment; by default the chatbot's, or the first.

        Raises:
            ConfigError: No such rating or reason.
        """
        chat = self.tenant.config.chat
        return self.tenant.workspace.desk.give_feedback(
            request_id=request_id,
            principal=Principal(subject),
            rating=rating,
            reason=reason,
            comment=comment,
            collection=collection or (chat.collection if chat is not None else None),
        )


def feedback_of(tenant: Tenant) -> TenantFeedback:
    """Return where a tenant's feedback goes."""
    return TenantFeedback(tenant)
