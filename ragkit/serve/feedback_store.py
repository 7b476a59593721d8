"""Feedback on answers, however they were asked for: ``feedback_of(tenant).add(...)``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from ragkit.config_serve import ChatSection
from ragkit.desk.feedback import REASONS as REASONS
from ragkit.desk.feedback import Rating as Rating
from ragkit.serve.state import ServiceState
from ragkit.serve.tenants import Tenant
from ragkit.types import Principal

KEEP_DAYS: int = ChatSection.model_fields["keep_days"].default
"""How long feedback is kept of a tenant without a ``[chat]`` that says it."""
_DAY_SECONDS = 86_400.0
_log = logging.getLogger("ragkit.serve")


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


@asynccontextmanager
async def while_running(state: ServiceState) -> AsyncIterator[None]:
    """Let go of old feedback at the start and once a day, of tenants without a chatbot; with one, that does it."""
    tenants = [tenant for tenant in state.tenants if tenant.config.chat is None]
    sweeping = asyncio.create_task(_sweep(tenants))
    try:
        yield
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping


async def _sweep(tenants: list[Tenant]) -> None:
    while True:
        for tenant in tenants:
            try:
                await run_in_threadpool(tenant.workspace.desk.sweep, days=KEEP_DAYS)
            except Exception as failed:  # it is tried again tomorrow, and at the next start
                _log.error("old feedback could not be let go of: %s", type(failed).__name__)
        await asyncio.sleep(_DAY_SECONDS)
