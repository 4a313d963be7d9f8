"""One participant in one workload, in a process of its own: each line that it reads is a turn.

`python -m benchmarks.worker WORKLOAD PARTICIPANT FILE`, with the numbers as JSON in FILE. It says
when it is ready. From then on a line on standard input says how many seconds of steps to make, at
least one step; the answer is a line of JSON, with the first step's loss and the mean time of a
step. A turn is many short steps in a row, as in training: after the turns of the others the
processor's caches are cold, and a single step of microseconds would measure only that. Times are
those of the clock on the wall, since the processor's would count each of two threads: so measure
on a machine that has nothing else to do.
"""

import gc
import json
import resource
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.participants import PARTICIPANTS


def work(workload: str, name: str, path: str) -> None:
    participant = next(p for p in PARTICIPANTS if p.name == name)
    if not participant.collector:
        gc.disable()
    with open(path) as file:
        numbers = json.load(file)
    step = participant.build(workload, numbers)
    del numbers["params"]  # they live on in the step
    raised = False
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        try:
            loss = step()
        except RecursionError:
            sys.setrecursionlimit(2**31 - 1)
            raised = True
            gc.collect()  # or the failed try would count in the peak memory
            start = time.perf_counter()
            loss = step()
        count = 1
        while (seconds := time.perf_counter() - start) < float(line):
            step()
            count += 1
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        facts = {"seconds": seconds / count, "loss": loss, "peak_mb": peak, "raised": raised}
        if compiled := getattr(step, "func", None):  # a jitted function, with its arguments
            facts |= {"stats": compiled.stats, "lines": len(compiled.source.splitlines())}
        print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    threading.stack_size(1 << 30)  # for the participants that recurse
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work, *sys.argv[1:]).result()
