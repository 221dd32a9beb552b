"""The rows of the table: each measures ours and its peers in turns, so that what slows the machine down slows all of them."""
import sys
import time

import lab
from ours import Ours
from peers import nodemailer, postfix
from rows import LIMIT, NODEMAILER, OURS, POSTFIX, Row, at_least, at_most, share, times

MIB = 1024 * 1024
LARGE_TEXT = ("Guten Tag, Ihre Buchung ist angekommen und wird von uns gerne bearbeitet, ok\n" * (MIB // 77))[:MIB - 400]
LARGE_ATTACHMENT = MIB * 57 // 78  # octets that are about 1 MiB in lines of base64


class Plan:
    """How often and how much."""

    def __init__(self, quick):
        self.is_quick = quick
        self.repeats = 1 if quick else 5
        # at 20 ms: mails through one connection
        self.slow = {"data": 100, 16: 1500, 64: 4000} if quick else {"data": 300, 16: 6000, 64: 20000}
        self.slow_peers = 60 if quick else 120
        # a full queue, no latency
        self.drain = 5000 if quick else 20000
        self.drain_minimal = 50000 if quick else 200000
        self.drain_peers = 1000 if quick else 3000
        self.large, self.large_peers = (100, 40) if quick else (400, 100)
        self.queue = 10000 if quick else 100000
        # acceptance: of 1 client, of 64, in batches
        self.accept = (500, 4000, 16000) if quick else (5000, 20000, 64000)
        self.sandbox = 4000 if quick else 20000
        # HTTP in to TLS out
        self.through, self.through_peers = (4000, 500) if quick else (20000, 3000)
        self.warm = 50 if quick else 200
        # mails taken and sent on top of a short and a long queue
        self.short_queue, self.depth_load = 1000, 1000 if quick else 5000
        self.million = 0 if quick else 1000000


class Peers:
    """Those that can run here; for the others, why not: `missing` maps every name to a reason or None."""

    def __init__(self, is_wanted):
        self.missing = {name: module.missing() if is_wanted else "left out (--no-peers)"
                        for name, module in ((NODEMAILER, nodemailer), (POSTFIX, postfix))}

    def has(self, name):
        return self.missing[name] is None


class Losses:
    """Over all drains of ours in this run."""

    def __init__(self):
        self.mails = self.missing = self.duplicates = self.left = 0

    def add(self, count, drained):
        self.mails += count
        self.missing += drained["sink"]["missing"]
        self.duplicates += drained["sink"]["duplicates"]
        self.left += drained["left"]

    def add_open(self, count, report, left):
        """Of `count` mails some are meant to wait still: what neither came nor waits is lost, what did both will come twice."""
        gap = count - report["distinct"] - left
        self.mails += count
        self.missing += max(0, gap)
        self.duplicates += report["duplicates"] + max(0, -gap)


class Run:
    def __init__(self, certificates, plan, peers, program):
        self.certificates, self.plan, self.peers, self.program = certificates, plan, peers, program
        self.losses = Losses()

    def ours(self, *sinks):
        return Ours(sinks, program=self.program)

    def sink(self, *options):
        return lab.Sink(self.certificates, *options)

    def note(self, text):
        print(f"# {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def drained(self, absender, sink, count, content=None):
        absender.fill(count, content=content)
        result = absender.drain(sink, count)
        self.losses.add(count, result)
        return result

    def postfix_drained(self, sink, count, connections, **fill):
        with postfix.Postfix(sink, connections) as peer:
            peer.fill(count, **fill)
            return peer.drain(count)

    # --- one connection, 20 ms -------------------------------------------------------------------------

    def slow_data(self):
        plan, row = self.plan, Row("one connection, 20 ms: DATA", targets=[at_least(45)])
        with self.sink("--pipelining", "--latency", "20") as sink, self.ours(sink) as absender:
            absender.use(sink, connections=1)
            for _ in range(plan.repeats):
                row.add(OURS, self.drained(absender, sink, plan.slow["data"])["per_second"])
                row.add(LIMIT, lab.minimal(sink, plan.slow["data"], "--mode", "data")["per_second"])
                if self.peers.has(NODEMAILER):
                    row.add(NODEMAILER, nodemailer.send(sink, plan.slow_peers, connections=1)["per_second"])
                if self.peers.has(POSTFIX):
                    row.add(POSTFIX, self.postfix_drained(sink, plan.slow_peers, 1)["per_second"])
        return [row]

    def slow_window(self, window, least):
        plan, row = self.plan, Row(f"one connection, 20 ms: BDAT, window {window}", targets=[at_least(least)])
        with self.sink("--pipelining", "--chunking", "--latency", "20") as sink, self.ours(sink) as absender:
            absender.use(sink, connections=1, window=window)
            for _ in range(plan.repeats):
                row.add(OURS, self.drained(absender, sink, plan.slow[window])["per_second"])
                row.add(LIMIT, lab.minimal(sink, plan.slow[window], "--mode", "bdat", "--window", window)["per_second"])
        return [row]

    # --- a full queue, no latency ----------------------------------------------------------------------

    def drains(self):
        """The same queue of Postfix stands beside both of ours: it does not write BDAT."""
        plan = self.plan
        data = Row("drain, 4 connections, PIPELINING only", targets=[times(15, POSTFIX), share(0.3)])
        data_cpu = Row("drain, PIPELINING only: CPU for 1,000 mails", "s", [at_most(0.12)])
        bdat = Row("drain, 4 connections, CHUNKING, window 16", targets=[at_least(20000), times(20, POSTFIX)])
        bdat_cpu = Row("drain, CHUNKING: CPU for 1,000 mails", "s", [at_most(0.12)])
        disk = Row("the disk between them: synced 4 KiB writes, one after another", "/s")
        with self.sink("--pipelining") as plain, self.sink("--pipelining", "--chunking") as chunking, \
                self.ours(plain) as on_data, self.ours(chunking) as on_bdat:
            on_data.use(plain)
            on_bdat.use(chunking)
            for turn in range(plan.repeats):
                self.note(f"drains, turn {turn + 1} of {plan.repeats}")
                disk.add(OURS, lab.disk_syncs(on_data.data, 1))
                for absender, sink, mode, row, cpu in ((on_data, plain, "data", data, data_cpu), (on_bdat, chunking, "bdat", bdat, bdat_cpu)):
                    result = self.drained(absender, sink, plan.drain)
                    row.add(OURS, result["per_second"])
                    cpu.add(OURS, result["cpu_per_1000"])
                    limit = lab.minimal(sink, plan.drain_minimal, "--mode", mode, "--connections", 4)
                    row.add(LIMIT, limit["per_second"])
                    cpu.add(LIMIT, limit["cpu_seconds"] / limit["mails"] * 1000)
                if self.peers.has(NODEMAILER):
                    result = nodemailer.send(plain, plan.drain_peers)
                    for row, cpu in ((data, data_cpu), (bdat, bdat_cpu)):
                        row.add(NODEMAILER, result["per_second"])
                        cpu.add(NODEMAILER, result["cpu_per_1000"])
                if self.peers.has(POSTFIX):
                    result = self.postfix_drained(plain, plan.drain_peers, 4)
                    for row, cpu in ((data, data_cpu), (bdat, bdat_cpu)):
                        row.add(POSTFIX, result["per_second"])
                        cpu.add(POSTFIX, result["cpu_per_1000"])
        return [disk, data, data_cpu, bdat, bdat_cpu]

    # --- large mails -----------------------------------------------------------------------------------

    def large(self):
        """MB/s (10⁶ octets) of mails of 1 MiB."""
        plan, rows = self.plan, []
        for mode, options in (("data", ()), ("bdat", ("--chunking",))):
            row = Row(f"mails of 1 MiB, 4 connections, {'CHUNKING' if options else 'PIPELINING only'}", "MB/s", [share(0.6)])
            with self.sink("--pipelining", *options) as sink, self.ours(sink) as absender:
                absender.use(sink)
                for _ in range(plan.repeats):
                    row.add(OURS, megabytes(self.drained(absender, sink, plan.large, {"text": LARGE_TEXT})))
                    row.add(LIMIT, megabytes(lab.minimal(sink, plan.large * 2, "--mode", mode, "--connections", 4, "--size", MIB)))
                    if mode == "data" and self.peers.has(NODEMAILER):
                        row.add(NODEMAILER, megabytes(nodemailer.send(sink, plan.large_peers, attachment=LARGE_ATTACHMENT)))
                    if mode == "data" and self.peers.has(POSTFIX):
                        row.add(POSTFIX, megabytes(self.postfix_drained(sink, plan.large_peers, 4, size=MIB)))
            rows.append(row)
        return rows

    # --- a long queue ----------------------------------------------------------------------------------

    def long_queue(self):
        count, connections = self.plan.queue, 4
        name = f"a queue of {count:,}"
        handshakes = Row(f"{name}: TLS handshakes (setting: {connections} connections)", "", [at_most(connections, 0)])
        speed, cpu = Row(f"{name}: drain with CHUNKING"), Row(f"{name}: CPU for 1,000 mails", "s")
        filled = Row(f"{name}: filled over HTTP")
        memory = [Row(f"{name}: memory (PSS) {when}", "MiB", targets)
                  for when, targets in (("before", [at_most(24, 1)]), ("when full", [at_most(40, 1)]), ("after", []))]
        disk = Row(f"{name}: disk for one mail", "KiB", [at_most(3)])
        with self.sink("--pipelining", "--chunking") as sink, self.ours(sink) as absender:
            pid = absender.process.pid
            absender.use(sink)
            time.sleep(2)
            memory[0].add(OURS, lab.pss_mib(pid))
            size = absender.disk_bytes()
            filled.add(OURS, absender.fill(count))
            disk.add(OURS, (absender.disk_bytes() - size) / count / 1024)
            time.sleep(2)
            memory[1].add(OURS, lab.pss_mib(pid))
            result = absender.drain(sink, count)
            self.losses.add(count, result)
            time.sleep(2)
            memory[2].add(OURS, lab.pss_mib(pid))
        handshakes.add(OURS, result["sink"]["handshakes"])
        speed.add(OURS, result["per_second"])
        cpu.add(OURS, result["cpu_per_1000"])
        return [handshakes, filled, speed, cpu, *memory, disk]

    def exactness(self):
        losses = self.losses
        rows = [Row(f"of {losses.mails:,} mails in all drains: {what}", "", [at_most(0, 0)]) for what in ("lost", "sent twice", "still waiting")]
        for row, value in zip(rows, (losses.missing, losses.duplicates, losses.left)):
            row.add(OURS, value)
        return rows


def megabytes(result):
    report = result["sink"]
    if report["accepted"] < 2:
        return 0.0
    return lab.rate(report) * report["bytes"] / report["accepted"] / 1e6
