"""The raw bytes of a line since they were handed in last, on disk as they come.

A death takes nothing: what an earlier life has kept and not handed in stands before what comes now, as one recording.
A disk that takes no more bytes does not end the watch; that some are missing is said in the log.
"""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from agents.device.recording import Chunk, Head, chunk_line, head_line, read_recording
from protocol.errors import SourceError


class Spool:
    """One line's bytes. folder: its own. protocol: what is spoken on it. clock_ns: since 1970.

    after_ns: what began before has been handed in already, whatever still lies there. lost: why bytes are missing among
    those that are kept, "" where none are.
    """

    def __init__(
        self, folder: Path, protocol: str, clock_ns: Callable[[], int] = time.time_ns, after_ns: int = 0
    ) -> None:
        self._path, self._protocol, self._clock_ns = folder / "line.txt", protocol, clock_ns
        self._began_ns: int | None = None
        self._file: int | None = None
        self._is_whole, self.lost = True, ""
        self._take_up(after_ns)

    @property
    def began_ns(self) -> int | None:
        """When the first of these bytes came; None where there are none."""
        return self._began_ns

    def keep(self, is_sent: bool, data: bytes, at_ns: int | None = None) -> None:
        """Append bytes that were sent, or came. at_ns: when, since 1970; now, unless told."""
        now_ns = self._clock_ns() if at_ns is None else at_ns
        try:
            began_ns = self._begun(now_ns)
            self._write(chunk_line(Chunk(max(0, now_ns - began_ns), is_sent, data)))
        except OSError as error:
            self._complain(error)

    def cut(self) -> bytes:
        """Return what was kept, b"" for nothing. It stays until it is dropped."""
        try:
            return self._path.read_bytes() if self._file is not None else b""
        except OSError as error:
            self._complain(error)
            return b""

    def drop(self) -> None:
        """Forget what was kept: it was handed in."""
        self._shut()
        self.lost = ""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:  # it is begun anew where it lies
            self._complain(error)

    def _begun(self, now_ns: int) -> int:
        """Return when what is kept began; begin it now, with its head, where there is nothing."""
        if self._began_ns is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_WRONLY, 0o600)
            try:
                self._write(head_line(Head(now_ns, self._protocol)))
            except OSError:
                self._shut()  # bytes without a head are no recording
                raise
            self._began_ns = now_ns
        return self._began_ns

    def _shut(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file, self._began_ns = None, None

    def _write(self, text: str) -> None:
        """One write for one line, and no buffer: a process that is killed leaves whole lines, and all of them."""
        assert self._file is not None
        data, before = text.encode("ascii"), os.fstat(self._file).st_size
        if os.write(self._file, data) < len(data):
            os.ftruncate(self._file, before)
            raise OSError(errno.ENOSPC, "the disk is full")
        self._is_whole = True

    def _take_up(self, after_ns: int) -> None:
        """Go on with what an earlier life has left; a torn last line goes, what is no recording is put aside."""
        if not self._path.exists():
            return
        try:
            data = self._path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            head, _ = read_recording(whole.decode("ascii", errors="replace").splitlines(keepends=True), str(self._path))
            if head.began_ns < after_ns:
                self._path.unlink()
                return
            os.truncate(self._path, len(whole))
            self._file = os.open(self._path, os.O_APPEND | os.O_WRONLY)
            self._began_ns = head.began_ns
        except SourceError:
            self._put_aside()
        except OSError as error:
            self._complain(error)

    def _put_aside(self) -> None:
        try:
            self._path.replace(self._path.with_suffix(f".{self._clock_ns()}"))
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if self._is_whole:
            structlog.get_logger().error("raw bytes are lost", file=str(self._path), reason=str(error))
        self._is_whole, self.lost = False, error.strerror or str(error)
