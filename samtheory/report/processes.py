"""The same function over many names, in processes that share the cores."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
from collections.abc import Callable, Iterator
from typing import Any


def in_processes(one: Callable[[str], Any], names: list[str], jobs: int) -> Iterator[tuple[str, Any]]:
    """(name, one(name)) as they finish; with one job in this process, in order."""
    if jobs <= 1:
        for name in names:
            yield name, one(name)
        return
    context = multiprocessing.get_context("spawn")
    for threads in ("SAMTHEORY_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(threads, "1")  # the processes share the cores
    pool = concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context)
    try:
        futures = {pool.submit(one, name): name for name in names}
        for future in concurrent.futures.as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)
