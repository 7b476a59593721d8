"""What the processor offers to a model: bf16 in hardware, and threads in which torch uses one thread each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier


def multiplies_bf16() -> bool:
    """Whether the processor has AMX-BF16 or AVX512-BF16. Without them torch emulates bf16, slower than fp32."""
    try:
        flags = (
            Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split("flags", 1)[1].split("\n", 1)[0]
        )
    except (OSError, IndexError):
        return False
    return bool({"amx_bf16", "avx512_bf16"} & set(flags.split()))


def single_threaded_pool(threads: int, *, name: str) -> ThreadPoolExecutor:
    """Worker threads in each of which torch uses one thread; the caller's own setting is left as it was."""
    import torch

    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name, initializer=lambda: torch.set_num_threads(1))
    started = Barrier(threads)
    # Start every worker now: the setting is partly process-wide.
    list(pool.map(lambda _: started.wait(), range(threads)))
    torch.set_num_threads(before)
    return pool
