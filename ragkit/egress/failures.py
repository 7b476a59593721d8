"""The gateway's failures in ragkit's own words: the destination's name, a word, a remedy; nothing a server said."""

from __future__ import annotations

from typing import cast

from ragkit.egress.retrying import DOWN
from ragkit.errors import EgressRefused, GeneratorGarbled, GeneratorRefused, GeneratorUnavailable, RagkitError
from ragkit.net_sockets import NetFailure, Word


def failure(name: str, word: str) -> RagkitError:
    """The error for a failure of the network."""
    said = NetFailure(cast("Word", word))
    text = f"destination {name!r}: {said}"
    if word == "host":
        return EgressRefused(text, remedy=said.remedy)
    if word in DOWN and word != "cut":
        return GeneratorUnavailable(text, code=word, remedy=said.remedy)
    return GeneratorGarbled(text, code=word, remedy=said.remedy)


def never_answered(name: str, status: int, attempts: int) -> GeneratorUnavailable:
    """For "not now" to the last."""
    tries = "once" if attempts == 1 else f"in {attempts} tries"
    remedy = "Wait, or ask for a higher limit." if status == 429 else "See the server's own log, or try again later."
    text = f"destination {name!r}: it answered {status}, {tries}"
    return GeneratorUnavailable(text, code="overloaded", remedy=remedy)


def resting(name: str) -> GeneratorUnavailable:
    """For a circuit that is open."""
    return GeneratorUnavailable(
        f"destination {name!r}: it failed so often that it is left alone for a while; nothing was sent",
        code="resting",
        remedy="Try again in half a minute; `ragkit generators test` says what is wrong.",
    )


def redirected(name: str) -> GeneratorRefused:
    """For a reply that sends elsewhere."""
    return GeneratorRefused(
        f"destination {name!r}: it sends the call to another address, which is not followed",
        code="redirect",
        remedy="Write the address where the API really is as `url` of the destination.",
    )
