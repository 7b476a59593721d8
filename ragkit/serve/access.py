"""The one check: may this caller have that thing? Conversations, documents, citations, tickets and exports pass here.

What is not there and what the caller may not see are the same answer.
"""

from __future__ import annotations

from ragkit.auth.callers import Caller
from ragkit.serve.replies import NotFound


def own(caller: Caller, *, tenant: str, subject: str) -> None:
    """Let a caller have what belongs to one principal of one tenant.

    Raises:
        NotFound: It is somebody else's; the same as if it were not there.
    """
    if (caller.tenant, caller.principal.subject) != (tenant, subject):
        raise NotFound
