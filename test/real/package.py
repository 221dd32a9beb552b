"""Servers from their Debian packages, unpacked into build/ and not installed: only one can be installed on a machine, and it
may have another. Downloaded at the first call on this machine.

    folder = unpacked("postfix")          # one of PROGRAMS
    environment(folder)                   # for its programs: where their libraries are
"""
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from process import run

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"
DOWNLOAD_SECONDS = 300
LIBRARY_ROUNDS = 3  # a library may need further ones

# name: its packages, and a program whose libraries must all be there
PROGRAMS = {
    "postfix": (("postfix",), "usr/lib/postfix/sbin/smtpd"),
    "exim": (("exim4-base", "exim4-daemon-light"), "usr/sbin/exim4"),
    "dovecot-submission": (("dovecot-submissiond",), "usr/lib/dovecot/submission"),
    "unbound": (("unbound",), "usr/sbin/unbound"),
}

# Shared libraries that a small Debian 12 may lack, and the packages they are in.
LIBRARY_PACKAGES = {
    "libsasl2.so.2": "libsasl2-2",
    "libdb-5.3.so": "libdb5.3",
    "libnsl.so.2": "libnsl2",
    "libtirpc.so.3": "libtirpc3",
    "libicuuc.so.72": "libicu72",
    "libicudata.so.72": "libicu72",
    "libpcre2-8.so.0": "libpcre2-8-0",
    "libidn.so.12": "libidn12",
    "libgnutls.so.30": "libgnutls30",
    "libgnutls-dane.so.0": "libgnutls-dane0",
    "libunbound.so.8": "libunbound8",
    "libevent-2.1.so.7": "libevent-2.1-7",
    "libprotobuf-c.so.1": "libprotobuf-c1",
    "libnghttp2.so.14": "libnghttp2-14",
    "libpython3.11.so.1.0": "libpython3.11",
}


def download_and_unpack(package, target):
    installed = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "dovecot-core"], capture_output=True, text=True,
                               check=False).stdout
    wanted = f"{package}={installed}" if package.startswith("dovecot-") and installed else package
    with tempfile.TemporaryDirectory() as folder:
        def download(name):
            run("apt-get", "download", "-q", "-o", "Acquire::Retries=3", "-o", "APT::Sandbox::User=root", name, cwd=folder, timeout=DOWNLOAD_SECONDS)
        try:
            download(wanted)
        except RuntimeError:  # a fresh machine has no package lists yet
            run("apt-get", "update", "-q", "-o", "Acquire::Retries=3", timeout=DOWNLOAD_SECONDS)
            download(package)
        for archive in pathlib.Path(folder).glob("*.deb"):
            run("dpkg", "-x", archive, target)


def library_path(folder):
    """Where the loader finds the server's own libraries, and those that the machine lacks."""
    own = [folder / "usr/lib/postfix"] if (folder / "usr/lib/postfix").is_dir() else []
    return ":".join(map(str, [*own, *sorted(folder.glob("usr/lib/*-linux-gnu*")), *sorted(folder.glob("lib/*-linux-gnu*"))]))


def environment(folder):
    return {**os.environ, "LD_LIBRARY_PATH": library_path(folder)}


def missing_packages(folder, program):
    listing = run("ldd", folder / program, env=environment(folder))
    names = re.findall(r"^\s*(\S+) => not found", listing, re.MULTILINE)
    return sorted({LIBRARY_PACKAGES[name] for name in names})


def drop_privileged_modes(folder):
    """No program of ours needs them, and a folder of the build is no place for a program that makes root of anybody."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o6000:
            path.chmod(path.stat().st_mode & 0o777)


def unpacked(name):
    """The folder with the server in it."""
    packages, program = PROGRAMS[name]
    target = BUILD / name
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(f"{target}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / "usr").is_dir():
            unfinished = target.with_name(f"{name}.unfinished")
            for folder in (unfinished, target):
                shutil.rmtree(folder, ignore_errors=True)
            for package in packages:
                download_and_unpack(package, unfinished)
            drop_privileged_modes(unfinished)
            unfinished.rename(target)
        for _ in range(LIBRARY_ROUNDS):
            for package in missing_packages(target, program):
                download_and_unpack(package, target)
        if left := missing_packages(target, program):
            raise RuntimeError(f"{program} still lacks libraries of {left}")
    return target


if __name__ == "__main__":
    for program in PROGRAMS:
        unpacked(program)
