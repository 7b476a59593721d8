"""How far questions of a kind can be answered at all: a linear head on the question's vector.

Real messages to a help desk are greetings, complaints and orders as often as questions. What tells them apart lies in
the message itself, not in the hits, so one weight for each dimension of the vector reads it. The head is trained on
open data by ``benchmarks/fit_support.py`` and ships in ``ragkit/assets/relevance`` with a card that says on which. It
fits the encoder that ragkit carries; for another one it says nothing, which is 0.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from ragkit.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def question_head(vector: NDArray[np.float32] | None, fingerprint: str) -> float:
    """Return the head's logit, about -3..3; 0 for an encoder that it does not fit.

    Args:
        vector: The question's unit vector.
        fingerprint: The encoder's, as :attr:`ragkit.protocols.Embedder.fingerprint` has it.

    Raises:
        ModelError: The shipped file is absent or damaged.
    """
    if vector is None:
        return 0.0
    weights, fits = _head()
    if not fingerprint.startswith(fits) or len(vector) != len(weights):
        return 0.0
    return float(weights @ vector)


@lru_cache(maxsize=1)
def _head() -> tuple[NDArray[np.float32], str]:
    """The weights, and how the fingerprint of the encoder begins that they were trained on."""
    from safetensors import SafetensorError, safe_open

    try:
        with (
            as_file(files("ragkit") / "assets" / "relevance" / "head.safetensors") as path,
            safe_open(path, framework="numpy") as opened,
        ):
            weights: NDArray[np.float32] = opened.get_tensor("question")
            return weights, str(opened.metadata()["encoder"])
    except (OSError, KeyError, TypeError, SafetensorError) as error:
        raise ModelError("the head of the support estimate cannot be read", remedy="Reinstall ragkit.") from error
