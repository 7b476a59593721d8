"""The need for a larger generator: what raises it, and what leaves it."""

from __future__ import annotations

from dataclasses import replace

from ragkit.routing.need import NeedModel
from ragkit.types import Account, Checks, Generation, Masked

from .conftest import make_request


def answer(**more: object) -> Generation:
    """A good answer, but for what is given."""
    return replace(Generation(text=Masked("Five years. [1]"), support=0.9), **more)  # type: ignore[arg-type]


def test_the_need_before_the_call_reads_the_support() -> None:
    """Monotone in the estimate, one way or the other, and within 0..1."""
    request = make_request()
    needs = [NeedModel(lambda _question, _hits, s=support: s).before(request) for support in (0.0, 0.3, 0.7, 1.0)]
    assert needs in (sorted(needs), sorted(needs, reverse=True))
    assert len(set(needs)) == 4
    assert 0 < min(needs) < max(needs) < 1


def test_where_nothing_was_found_nobody_is_needed() -> None:
    """Without hits no larger generator helps, and the estimator is not asked."""
    assert NeedModel(lambda *_: 1 / 0).before(make_request(hits=0)) == 0.0


def test_what_the_checks_found_raises_the_need_after_the_call() -> None:
    """A refusal, an invented citation, a number from nowhere, a sentence without support, an answer that was cut."""
    good = NeedModel(lambda *_: 0.9).after(make_request(), answer())
    for wrong in (
        answer(refused=True, support=0.1),
        answer(checks=Checks(invented_citations=1)),
        answer(checks=Checks(unsupported_numbers=1)),
        answer(checks=Checks(unsupported_sentences=3)),
        answer(account=Account(finish="length")),
    ):
        assert good < NeedModel(lambda *_: 0.9).after(make_request(), wrong) < 1


def test_a_refusal_by_a_model_calls_for_the_larger_one() -> None:
    """It weighs more than one of the extractive generator, of which half are right."""
    need = NeedModel(lambda *_: 0.5)
    own = need.after(make_request(), answer(refused=True))
    model = need.after(make_request(), answer(refused=True, account=Account(model="tiny")))
    assert model > 4 * own
