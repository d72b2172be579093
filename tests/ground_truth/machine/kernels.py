"""Finds the kernel and the modules that a guest boots: Debian's packaged kernel, unpacked, never installed."""
import glob
import lzma
import os
import re
import shutil
import subprocess
import tempfile

# What a guest needs beyond what is built in; the modules that these depend on are found by their own records.
WANTED_MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")
ZRAM_MODULES = ("lzo_rle", "zram")


class MachineError(Exception):
    """Something the person at the keyboard can act on; printed without a traceback."""


# Where Debian keeps kernels that this machine's own sources do not have: the release before, for Linux 5.10.
OLDER_SOURCES = ("deb [check-valid-until=no] http://security.debian.org/debian-security bullseye-security main",
                 "deb [check-valid-until=no] http://deb.debian.org/debian bullseye main")


def older_sources(directory):
    """apt's options for OLDER_SOURCES alone, with lists of their own below `directory`: the machine's stay as they are."""
    directory = os.path.abspath(directory)  # apt takes relative paths as below its own
    lists = f"{directory}/lists"
    os.makedirs(f"{lists}/partial", exist_ok=True)
    with open(f"{directory}/sources.list", "w", encoding="utf-8") as file:
        file.write("\n".join(OLDER_SOURCES) + "\n")
    options = ["-o", f"Dir::Etc::SourceList={directory}/sources.list", "-o", "Dir::Etc::SourceParts=/dev/null",
               "-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache::pkgcache={directory}/pkgcache.bin",
               "-o", f"Dir::Cache::srcpkgcache={directory}/srcpkgcache.bin"]
    updated = subprocess.run(["apt-get", *options, "update", "-qq"], capture_output=True, text=True)
    if updated.returncode:
        raise MachineError(f"apt-get update for {OLDER_SOURCES[0]} failed: {updated.stderr.strip()}")
    return options


# The cloud kernel is small and boots fast; what it lacks (zswap), the generic one has.
FLAVOURS = {"cloud": r"[^ ]*-cloud-amd64", "generic": r"(?:\.\d+)*(?:-\d+|\+deb\d+)-amd64"}


def package_pattern(version, flavour):
    return re.compile(rf"linux-image-{re.escape(version)}(?![0-9]){FLAVOURS[flavour]}")


def newest_package(version, flavour="cloud", options=()):
    """'6.12' -> 'linux-image-6.12.117+deb12-cloud-amd64', the newest that apt can reach; None if there is none."""
    listed = subprocess.run(["apt-cache", *options, "pkgnames", f"linux-image-{version}"], capture_output=True,
                            text=True).stdout
    pattern = package_pattern(version, flavour)
    names = [name for name in listed.split() if pattern.fullmatch(name)]
    names.sort(key=lambda name: [int(number) for number in re.findall(r"\d+", name)], reverse=True)
    for name in names:
        policy = subprocess.run(["apt-cache", *options, "policy", name], capture_output=True, text=True).stdout
        if "Candidate:" in policy and "Candidate: (none)" not in policy:
            return name
    return None


def package_and_source(version, flavour, work):
    """The package of a kernel, and apt's options for the place that has it."""
    package = newest_package(version, flavour)
    if package:
        return package, []
    options = older_sources(work)
    package = newest_package(version, flavour, options)
    if package:
        return package, options
    raise MachineError(f"apt knows no {flavour} linux-image-{version}*-amd64; run apt-get update, or see which kernels "
                       "there are: apt-cache pkgnames linux-image")


def unpack(version, cache, flavour="cloud"):
    """The directory of an unpacked kernel package, downloaded once into `cache`."""
    target = f"{cache}/kernel-{version}" + ("" if flavour == "cloud" else f"-{flavour}")
    if os.path.isdir(target):
        return target
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        os.chmod(work, 0o777)  # apt downloads as its own user
        package, options = package_and_source(version, flavour, work)
        done = subprocess.run(["apt-get", *options, "download", "-qq", package], cwd=work, capture_output=True,
                              text=True)
        archives = glob.glob(f"{work}/*.deb")
        if done.returncode or not archives:
            raise MachineError(f"apt-get download {package} failed: {done.stderr.strip()}")
        subprocess.run(["dpkg", "-x", archives[0], f"{work}/unpacked"], check=True)
        shutil.move(f"{work}/unpacked", target)
    return target


def image_of(directory):
    images = glob.glob(f"{directory}/boot/vmlinuz-*")
    if len(images) != 1:
        raise MachineError(f"{directory}: expected one boot/vmlinuz-*, found {len(images)}; remove it and try again")
    return images[0]


def module_bytes(path):
    with open(path, "rb") as file:
        data = file.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def modules_in_order(directory, wanted=WANTED_MODULES):
    """[(name, bytes)] of the wanted modules, each after those it depends on. Built-in ones are left out."""
    files = {}
    for path in glob.glob(f"{directory}/lib/modules/*/kernel/**/*.ko*", recursive=True):
        files[os.path.basename(path).split(".ko")[0].replace("-", "_")] = path
    order = {}

    def add(name):
        name = name.replace("-", "_")
        if name in order or name not in files:
            return
        data = module_bytes(files[name])
        depends = re.search(rb"\0depends=([^\0]*)\0", data)
        for other in (depends[1].decode().split(",") if depends else []):
            add(other)
        order[name] = data

    for name in wanted:
        add(name)
    return list(order.items())
