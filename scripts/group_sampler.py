"""How much private memory a program has at once, by the count of a memory cgroup of its own: each page once, however many share it."""
import os
import re
import threading
import time

from pss_sampler import pss_kib, shared_with_recorder_bytes

ROOTS = ("/sys/fs/cgroup/memory", "/sys/fs/cgroup")   # cgroup v1's memory controller, cgroup v2


class MemoryGroup:
    """A memory cgroup that a program is started in. `begin` moves it there and then becomes the program; the recorder stays outside."""

    def __init__(self, path, anon_key):
        self.path, self.anon_key = path, re.compile(rf"^{anon_key} (\d+)$", re.MULTILINE)
        self.begin = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', path]

    @classmethod
    def make(cls, name):
        """None: this machine has no memory cgroups, or this user may make none."""
        for root in ROOTS:
            path = f"{root}/{name}"
            try:
                os.mkdir(path)
            except OSError:
                continue
            for key in ("total_rss", "anon"):   # v1, v2
                group = cls(path, key)
                if os.path.exists(f"{path}/memory.stat") and group.anon_bytes() is not None:
                    return group
            os.rmdir(path)
        return None

    def anon_bytes(self):
        with open(f"{self.path}/memory.stat") as file:
            found = self.anon_key.search(file.read())
        return int(found[1]) if found else None

    def pids(self):
        with open(f"{self.path}/cgroup.procs") as file:
            return [int(pid) for pid in file.read().split()]

    def remove(self):
        for _ in range(100):   # what has ended leaves the group a little later
            try:
                os.rmdir(self.path)
                return
            except OSError:
                time.sleep(0.05)


class GroupSampler:
    """Peak of the group's anonymous memory plus the Pss_Shmem of its processes. The former costs one read and is sampled each
    millisecond; the latter costs a walk over page tables, changes seldom, and is sampled each 20 ms."""

    APART_S, SHMEM_APART_S = 0.001, 0.02

    def __init__(self, group):
        self.group, self.peak, self.shmem, self.ended = group, 0, 0, threading.Event()
        self.threads = [threading.Thread(target=self.sample_anon), threading.Thread(target=self.sample_shmem)]
        for thread in self.threads:
            thread.start()

    def sample_anon(self):
        while not self.ended.wait(self.APART_S):
            self.peak = max(self.peak, self.group.anon_bytes() + self.shmem)

    def sample_shmem(self):
        while not self.ended.wait(self.SHMEM_APART_S):
            self.shmem = sum(self.shmem_of(pid) for pid in self.group.pids())

    @staticmethod
    def shmem_of(pid):
        """Bytes, without what the injected library shares with the recorder."""
        try:
            return max(0, (sum(pss_kib(pid, "Shmem")) << 10) - shared_with_recorder_bytes(pid))
        except OSError:
            return 0   # it has ended

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        return self.peak
