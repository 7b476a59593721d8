"""Who may receive what: the rule on data classes and locations, once, as pure functions.

The order of sensitivity is public < internal < confidential < restricted; that of width is in-process < on-prem <
managed < remote. In process everything may be read. A declared destination receives up to its ``max_data_class``, and
restricted content never leaves the company's own machines. A model whose bytes do not pass the gateway (any
llama-index LLM) receives at most internal content.

What routing does with it: a fallback or an escalation goes only where :func:`may_receive` holds, and a fallback on
failure besides only where it does not widen the boundary (:func:`widens`), whatever the ceilings say.
"""

from __future__ import annotations

from ragkit.config_answering import DestinationSection
from ragkit.types import DataClass, Location

SENSITIVITY = {DataClass.PUBLIC: 0, DataClass.INTERNAL: 1, DataClass.CONFIDENTIAL: 2, DataClass.RESTRICTED: 3}
WIDTH = {Location.IN_PROCESS: 0, Location.ON_PREM: 1, Location.MANAGED: 2, Location.REMOTE: 3}

UNSEEN_CEILING = DataClass.INTERNAL
"""Most sensitive class for a model whose bytes do not pass the gateway."""


def fits(data_class: DataClass, ceiling: DataClass) -> bool:
    """Whether content of this class is no more sensitive than the ceiling."""
    return SENSITIVITY[data_class] <= SENSITIVITY[ceiling]


def ceiling_of(section: DestinationSection) -> DataClass:
    """The most sensitive class that a destination may receive."""
    ceiling = section.max_data_class
    if ceiling is DataClass.RESTRICTED and section.location is not Location.ON_PREM:
        return DataClass.CONFIDENTIAL  # the configuration refuses this; a section made past it is held to it
    return ceiling


def may_receive(data_class: DataClass, section: DestinationSection | None, *, passes_gateway: bool = True) -> bool:
    """Whether content of this class may go to a generator.

    Args:
        data_class: The most sensitive class of what was retrieved.
        section: Its destination; ``None`` for one that runs in this process.
        passes_gateway: Whether its bytes go through the egress gateway.
    """
    if not passes_gateway and not fits(data_class, UNSEEN_CEILING):
        return False
    return section is None or fits(data_class, ceiling_of(section))


def widens(failed: Location, other: Location) -> bool:
    """Whether going on with ``other`` after ``failed`` sends content further out than it was going to go."""
    return WIDTH[other] > WIDTH[failed]
