"""The programs that must not notice that they are watched, and the ways of watching: the table of `scripts/robustness guests`."""
import os
import shutil
import subprocess
import typing

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# How a guest is watched. `attached`: the library alone, without `oomcast run`.
MODES = {
    "polled": ("vm-8g", ()),
    "held": ("vm-8g", ("--tracker", "userfaultfd")),
    "exact": ("vm-1g", ()),
    "short": ("tiny-256m", ()),
    "wp-async": ("vm-8g", ("--tracker", "wp-async")),
    "pagemap": ("vm-1g", ("--tracker", "pagemap")),
    "attached": ("vm-1g", None),
}
BY_OOMCAST_RUN = tuple(mode for mode in MODES if mode != "attached")


class Guest(typing.NamedTuple):
    """A row: a program of tests/guests, or a shell line in which {NAME} is the path of one, {musl} of one built with musl-gcc and
    {asan} of one with AddressSanitizer's shared runtime."""
    line: str
    modes: tuple = tuple(MODES)
    times: int = 0       # 0: as often as --times says
    caveat: str = ""     # in the report where touches are held


GUESTS = {
    "seccomp": Guest("{seals_itself} filter", caveat="put itself under seccomp"),
    "seccomp-syscall": Guest("{seals_itself} syscall"),
    "seccomp-strict": Guest("{seals_itself} strict"),
    "seccomp-probe": Guest("{seals_itself} probe"),
    "seccomp-fork": Guest("{seals_itself} fork"),
    "seccomp-threads": Guest("{seals_itself} threads"),
    "seccomp-opens": Guest("{seals_itself} opens"),
    "few-descriptors": Guest("{few_descriptors} 3 1"),
    "no-descriptors": Guest("{few_descriptors} 0 1"),
    "bad-pointers": Guest("{bad_pointers}"),
    "tiny-stacks": Guest("{tiny_stacks} 4"),
    "errno": Guest("{keeps_errno}", times=5),
    "own-userfaultfd": Guest("{own_userfaultfd}", caveat="userfaultfd of its own"),
    "userfaultfd-device": Guest("{own_userfaultfd} device"),
    "reaches-memory": Guest("{reaches_memory}", caveat="/proc/PID/mem"),
    "signal-storm": Guest("{signal_storm}"),
    "odd-descriptors": Guest("{odd_descriptors}"),
    "huge-page-word": Guest("{huge_page_word}"),
    "waits-for-all": Guest("{waits_for_all}"),
    "adopts-orphans": Guest("{waits_for_all} {waits_for_all}"),
    "many-variables": Guest("{many_variables}"),
    # musl's loader refuses a library of glibc's before any code of the library runs: bare LD_PRELOAD is not for musl.
    "musl": Guest("{musl}", modes=BY_OOMCAST_RUN),
    "musl-child": Guest("sh -c '{musl}; echo $?; exec {musl}'"),
    "musl-script": Guest("{musl_script}", modes=BY_OOMCAST_RUN),
    "asan-child": Guest("sh -c '{asan}; echo $?'"),
    **{f"drops-{what}": Guest(f"{{drops_rights}} {what}") for what in ("setuid", "unshare", "chroot", "undumpable", "mm", "vfork")},
}


class Missing(Exception):
    """What a row needs and this machine has not."""


def built(bench, name, compiler, *flags):
    program = f"{bench.work}/{name}"
    if os.path.exists(program):
        return program
    if not shutil.which(compiler):
        raise Missing(f"no {compiler}")
    # musl's heap takes ten times as long over the same steps, and AddressSanitizer's copies 300 MiB at each fork.
    made = subprocess.run([compiler, *flags, "-DHEAP_STEPS=200", "-O1", "-o", program, f"{ROOT}/tests/guests/worker.c"], capture_output=True, check=False)
    if made.returncode != 0:
        raise Missing(f"{compiler} {' '.join(flags)} builds nothing")
    return program


def program_of(bench, name):
    """The path that {NAME} stands for."""
    if name == "musl":
        return built(bench, name, "musl-gcc", "-pthread")
    if name == "asan":
        return built(bench, name, "gcc", "-pthread", "-fsanitize=address")
    if name == "musl_script":
        script = f"{bench.work}/script"
        with open(script, "w") as file:
            file.write(f"#!{built(bench, 'musl', 'musl-gcc', '-pthread')}\n")
        os.chmod(script, 0o755)
        return script
    return bench.guest(name)
