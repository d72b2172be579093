"""How much private memory a process tree has, each page once."""
import os
import re
import threading
import time


def pss_kib(pid, kinds):
    """Pss of these kinds ("Anon|Shmem"), in KiB, from the process's smaps_rollup. OSError: it has ended."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return [int(found) for found in re.findall(rf"^Pss_(?:{kinds}):\s+(\d+)", file.read(), re.MULTILINE)]


def shared_with_recorder_bytes(pid):
    """What the injected library shares with the recorder: no memory of the program's. OSError: it has ended."""
    with open(f"/proc/{pid}/smaps") as file:
        found = re.findall(r"^\S+ \S+ \S+ \S+ \d+ +/memfd:oomcast.*\n(?:[A-Z][^\n]*\n)*?Pss: +(\d+)", file.read(), re.MULTILINE)
    return sum(map(int, found)) << 10


class PssSampler:
    """Peak Pss_Anon + Pss_Shmem of a process and its descendants: a page that several share, since a fork or by a shared mapping, is there once. Costs a walk over their
    page tables, so it reads each 10 ms and is for programs that hold what they have for a while."""

    APART_S = 0.01

    OURS_KEPT_S = 0.2   # how long a reading of what the library shares with the recorder is taken for true

    def __init__(self, pid, leave_out_root):
        self.pid, self.leave_out_root, self.peak, self.ended = pid, leave_out_root, 0, threading.Event()
        self.ours_read = {}   # by pid: when, and how much
        self.thread = threading.Thread(target=self.sample)
        self.thread.start()

    def descendants(self, pid):
        found = [pid]
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/children") as file:
                    for child in file.read().split():
                        found += self.descendants(int(child))
        except OSError:
            pass   # it has ended
        return found

    def sample(self):
        while not self.ended.wait(self.APART_S):
            pids = self.descendants(self.pid)[self.leave_out_root:]
            pids = [pid for pid in pids if not self.is_recorders(pid)]
            found = [self.pss(pid) for pid in pids]
            if None in found or sum(found) <= self.peak:
                continue
            found = [pss - self.ours(pid) for pid, pss in zip(pids, found)]
            # When one is born or ends between two of these readings, the others' shares of its pages change: they are counted twice.
            still = [pid for pid in self.descendants(self.pid)[self.leave_out_root:] if not self.is_recorders(pid)]
            if still != pids or any(self.has_left(pid) for pid in pids):
                continue
            self.peak = max(self.peak, sum(found))

    @staticmethod
    def pss(pid):
        """Bytes; None: it has ended."""
        try:
            found = pss_kib(pid, "Anon|Shmem")
        except OSError:
            return None
        return sum(found) << 10 if found else None

    def is_recorders(self, pid):
        """A process of oomcast's own beside the program."""
        if not self.leave_out_root:
            return False
        try:
            with open(f"/proc/{pid}/comm") as file:
                return file.read().startswith("oomcast")
        except OSError:
            return False

    def ours(self, pid):
        if not self.leave_out_root:
            return 0
        read_at, known = self.ours_read.get(pid, (0, 0))
        if time.monotonic() - read_at < self.OURS_KEPT_S:
            return known
        try:
            self.ours_read[pid] = time.monotonic(), shared_with_recorder_bytes(pid)
        except OSError:
            return known
        return self.ours_read[pid][1]

    @staticmethod
    def has_left(pid):
        """Its memory is gone, or about to go: a process that ends is a zombie until its parent asks."""
        try:
            with open(f"/proc/{pid}/statm") as file:
                return file.read().startswith("0 ")
        except OSError:
            return True

    def stop(self):
        self.ended.set()
        self.thread.join()
        return self.peak
