"""A wall clock of the daemon's own, set by the test: a library that is put before the program."""
import mmap
import shutil
import struct
import subprocess
import time

# Reads how far the clock is ahead from a file that the test writes to.
CLOCK = r"""
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile int64_t *lead;
__attribute__((constructor)) static void begin(void)
{
    int fd = open(getenv("CLOCK_LEAD"), O_RDONLY | O_CLOEXEC);
    void *page = mmap(NULL, sizeof *lead, PROT_READ, MAP_SHARED, fd, 0);
    lead = page == MAP_FAILED ? NULL : page;
    close(fd);
}
static int64_t seconds(void) { return lead ? *lead : 0; }
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME)
        now->tv_sec += seconds();
    return failed;
}
#ifdef CERTIFICATES_TOO
time_t time(time_t *into)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into)
        *into = now.tv_sec;
    return now.tv_sec;
}
#endif
int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int failed = (int)syscall(SYS_gettimeofday, now, zone);
    if (!failed)
        now->tv_sec += seconds();
    return failed;
}
"""


class Clock:
    """The daemon's wall clock. OpenSSL asks for the time another way: it sees the real one, unless certificates are to be judged by this clock too."""

    def __init__(self, folder, certificates_too=False):
        self.path, self.library, self.lead = folder / "lead", folder / "clock.so", 0
        self.defines = ["-DCERTIFICATES_TOO"] if certificates_too else []
        self.path.write_bytes(struct.pack("q", 0))
        with self.path.open("r+b") as file:
            self.page = mmap.mmap(file.fileno(), 8)

    def build_for(self, program):
        """False: it cannot stand before this program."""
        command = ["cc", "-shared", "-fPIC", *self.defines, "-x", "c", "-", "-o", str(self.library)]
        return (b"__asan_init" not in program.read_bytes() and bool(shutil.which("cc"))
                and subprocess.run(command, text=True, input=CLOCK, check=False).returncode == 0)

    def environment(self):
        return {"LD_PRELOAD": str(self.library), "CLOCK_LEAD": str(self.path)}

    def set(self, lead):
        self.lead = lead
        self.page[:8] = struct.pack("q", lead)

    def now(self):
        return time.time() + self.lead
