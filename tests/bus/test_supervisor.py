"""The supervisor when what it starts processes with dies."""

import os
import signal
import threading
import time
from multiprocessing import forkserver
from pathlib import Path

from bus.supervisor import Program, Supervisor


def forkserver_pid() -> int:
    # multiprocessing has no public name for it.
    pid = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    assert isinstance(pid, int)
    return pid


def test_a_forkserver_that_dies_while_it_starts_somebody_is_replaced(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    sleeper = Program("@sleeper", "sleeper", time.sleep, (60,))
    supervisor.start(Program("@other", "other", time.sleep, (60,)))
    dies = forkserver_pid()
    os.kill(dies, signal.SIGSTOP)  # so the request below stays unanswered until it is dead
    killer = threading.Timer(0.3, os.kill, (dies, signal.SIGKILL))
    killer.start()
    instance = supervisor.start(sleeper)
    killer.join()
    assert supervisor.is_running("sleeper")
    assert instance.startswith("sleeper-")
    assert forkserver_pid() != dies
    supervisor.stop()
