"""What stands since the first bench: start, memory, durable acceptance over HTTP, end to end into the sandbox in the same process."""
import time

import lab
from harness.daemon import Daemon
from ours import BATCH, load
from rows import OURS, Row, at_least, at_most

CLIENTS = 64


def start_seconds(program):
    begun = time.monotonic()
    with Daemon("--dev", program=program) as absender:
        assert absender.request("GET", "/").status == 200
        return time.monotonic() - begun


def signed_in(absender):
    absender.sign_in_first_admin()
    absender.make_token()
    absender.use_sandbox()
    return absender


def _wait_for_captured(absender, total, wait=300):
    until = time.monotonic() + wait
    while absender.sandbox()["captured"] < total:
        if time.monotonic() > until:
            raise RuntimeError(f"{absender.sandbox()['captured']} of {total} arrived in the sandbox")
        time.sleep(0.02)


def stands(run):
    """Each turn has daemons of its own, so that every sample begins with an empty queue."""
    start, idle = Row("start to the page answering", "ms"), Row("memory when idle (PSS)", "MiB", [at_most(24, 1)])
    disk = Row("the disk: synced 4 KiB writes, one after another", "/s")
    one = Row("durable acceptance, 1 client, sending paused", targets=[at_least(1500)])
    many = Row(f"durable acceptance, {CLIENTS} clients, sending paused", targets=[at_least(7000)])
    batches = Row(f"durable acceptance, 4 clients, batches of {BATCH}, sending paused", targets=[at_least(25000)])
    through = Row(f"end to end, {CLIENTS} clients into the sandbox in the same process")
    cpu, after = Row("CPU for 1,000 mails end to end, sandbox included", "s"), Row("memory after it (PSS)", "MiB")
    counts = run.plan.accept
    for turn in range(run.plan.repeats):
        run.note(f"stands, turn {turn + 1} of {run.plan.repeats}")
        start.add(OURS, start_seconds(run.program) * 1000)
        with Daemon("--dev", "--sandbox-sink", program=run.program) as absender:
            time.sleep(2)
            idle.add(OURS, lab.pss_mib(absender.process.pid))
            signed_in(absender).switch(False)
            disk.add(OURS, lab.disk_syncs(absender.data, 1))
            for row, count, clients, size in ((one, counts[0], 1, 1), (many, counts[1], CLIENTS, 1), (batches, counts[2], 4, BATCH)):
                row.add(OURS, load(absender, count, clients, size)["per_second"])
        with Daemon("--dev", "--sandbox-sink", program=run.program) as absender:
            count, pid = run.plan.sandbox, signed_in(absender).process.pid
            used, begun = lab.cpu_seconds(pid), time.monotonic()
            load(absender, count, CLIENTS)
            _wait_for_captured(absender, count)
            through.add(OURS, count / (time.monotonic() - begun))
            cpu.add(OURS, (lab.cpu_seconds(pid) - used) / count * 1000)
            after.add(OURS, lab.pss_mib(pid))
    return [start, idle, disk, one, many, batches, through, cpu, after]
