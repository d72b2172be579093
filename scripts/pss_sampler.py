"""How much private memory a process tree has, each page once."""
import os
import re
import threading


class PssSampler:
    """Peak Pss_Anon + Pss_Shmem of a process and its descendants: a page that several share, since a fork or by a shared mapping, is there once. Costs a walk over their
    page tables, so it looks each 10 ms and is for programs that hold what they have for a while."""

    APART_S = 0.01

    def __init__(self, pid, leave_out_root):
        self.pid, self.leave_out_root, self.peak, self.ended = pid, leave_out_root, 0, threading.Event()
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
            found = [self.pss(pid) for pid in pids]
            # When one is born or ends between two of these readings, the others' shares of its pages change: they are counted twice.
            if None in found or self.descendants(self.pid)[self.leave_out_root:] != pids or any(self.has_left(pid) for pid in pids):
                continue
            self.peak = max(self.peak, sum(found))

    @staticmethod
    def pss(pid):
        """Bytes; None: it has ended."""
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                found = re.findall(r"^Pss_(?:Anon|Shmem):\s+(\d+)", file.read(), re.MULTILINE)
        except OSError:
            return None
        return sum(map(int, found)) << 10 if found else None

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
