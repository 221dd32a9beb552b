"""The rows of the durable outbox: from HTTP to TLS, one mail alone, and what a long queue costs."""
import json
import time

import lab
from ours import Poster, load, mail
from peers import postfix
from rows import OURS, POSTFIX, Row, at_most, at_most_of, share_of, times

CLIENTS = 64
WARM_UP, WARM_UP_ALONE = 2000, 20  # mails before those that are measured: so many that the database's WAL is written over
APART_SECONDS = 0.01  # between the answer to one mail and the next mail
MILLION_SECONDS = 300  # for filling
WATCH_SECONDS = 10


def through(run):
    """HTTP in, TLS out, beside Postfix with SMTP in."""
    plan, sent = run.plan, f"end to end, {CLIENTS} clients, 4 connections, PIPELINING only"
    speed = Row(f"durable {sent}", targets=[times(10, POSTFIX)])
    cpu = Row(f"{sent}: CPU for 1,000 mails", "s", [at_most(0.30)])
    disk = Row("the disk meanwhile: synced 4 KiB writes, one after another", "/s")
    with run.sink("--pipelining") as sink, run.ours(sink) as absender:
        absender.use(sink)
        for turn in range(plan.repeats):
            run.note(f"end to end, turn {turn + 1} of {plan.repeats}")
            disk.add(OURS, lab.disk_syncs(absender.data, 1))
            result = absender.through(sink, plan.through, CLIENTS)
            run.losses.add(plan.through, result)
            speed.add(OURS, result["per_second"])
            cpu.add(OURS, result["cpu_per_1000"])
            if run.peers.has(POSTFIX):
                with postfix.Postfix(sink, 4) as peer:
                    result = peer.through(plan.through_peers, CLIENTS)
                speed.add(POSTFIX, result["per_second"])
                cpu.add(POSTFIX, result["cpu_per_1000"])
    return [disk, speed, cpu]


# --- One mail alone --------------------------------------------------------------------------------------------------------------------


def _alone(absender, sink, commits, count):
    """Milliseconds of each mail from its request's first octet: to the answer, and to the sink's having it whole (both clocks are
    CLOCK_MONOTONIC); and of a commit after each."""
    poster, begun, answered, commit_ms = Poster(absender), [], [], []
    try:
        for number in range(1, count + 1):
            body = json.dumps(mail(number)).encode()
            begun.append(time.monotonic())
            status, said = poster.post("/v1/emails", body)
            answered.append(time.monotonic())
            if status != 200:
                raise RuntimeError(f"the service refused a mail: {status} {said[:300]!r}")
            time.sleep(APART_SECONDS)
            sink.wait(number)
            commit_ms += commits.milliseconds(1)
    finally:
        poster.close()
    took_ms = [[(end - start) * 1000 for start, end in zip(begun, ends) if end is not None] for ends in (answered, sink.times(count))]
    return *took_ms, commit_ms


def warm(run):
    """A commit of the disk is measured after each mail: its speed may be another a second later."""
    plan, name = run.plan, "one mail alone, warm, from the request's first octet"
    commit = Row("one commit on this disk (SQLite, 2 KiB)", "ms")
    answer = Row(f"{name} to the answer: p50", "ms")
    half = Row(f"{name} to the sink: p50", "ms", [at_most_of(2, commit, 0.5, "2 commits + 0.5")])
    late = Row(f"{name} to the sink: p99", "ms", [at_most(8)])
    with run.sink("--pipelining") as sink, run.ours(sink) as absender, lab.Commits(absender.data) as commits:
        absender.use(sink)
        run.drained(absender, sink, WARM_UP)
        absender.switch(True)
        for _ in range(plan.repeats):
            count = WARM_UP_ALONE + plan.warm
            sink.begin(count)
            answer_ms, sink_ms, commit_ms = (each[WARM_UP_ALONE:] for each in _alone(absender, sink, commits, count))
            run.losses.add(count, {"left": absender.settle(), "sink": sink.report()})
            for row, value in ((commit, lab.median(commit_ms)), (answer, lab.percentile(answer_ms, 0.5)),
                               (half, lab.percentile(sink_ms, 0.5)), (late, lab.percentile(sink_ms, 0.99))):
                row.add(OURS, value)
    return [commit, answer, half, late]


# --- A long queue beside a short one ---------------------------------------------------------------------------------------------------


class Queue:
    """A daemon whose queue is kept at a length while mails come on top and go again."""

    def __init__(self, absender, sink, length):
        self.absender, self.sink, self.length, self.given = absender, sink, length, 0
        absender.use(sink)
        sink.begin(0)
        self.refill()

    def refill(self):
        lacking = self.length - self.absender.waiting()
        if lacking > 0:
            self._give(lacking, clients=4, batch=64)

    def _give(self, count, clients, batch):
        loaded = load(self.absender, count, clients, batch, first=self.given + 1)
        self.given += count
        return loaded["per_second"]

    def accept(self, count):
        """Mails taken per second."""
        return self._give(count, CLIENTS, 1)

    def drain(self, count):
        """Mails per second at the sink: of the first so many; some more may go before the pause."""
        self.sink.lap(count)
        wanted = self.sink.report()["distinct"] + count
        self.absender.switch(True)
        self.sink.wait(wanted)
        self.absender.pause()
        return lab.rate(self.sink.report())

    def restart(self):
        """Killed while it wanted to send; seconds from its start to the page's answer, and to the first mail at the sink."""
        with self.sink.frozen():  # so that no mail is on its way
            self.absender.switch(True)
            self.absender.kill()
        self.sink.lap()
        begun = time.monotonic()
        self.absender.start()
        assert self.absender.request("GET", "/").status == 200
        answered = time.monotonic()
        came = self.sink.report()["distinct"] + 1
        report = self.sink.wait(came)
        self.absender.pause()
        if report["first"] is None:
            raise RuntimeError("after a restart nothing was sent")
        return answered - begun, report["first"] - begun


def depth(run):
    plan = run.plan
    lengths = (plan.short_queue, plan.queue)
    words = [f"{length:,} queued" for length in lengths]
    rows = {}
    for what in ("acceptance, 64 clients, sending paused", "drain with CHUNKING"):
        short = Row(f"{what}: with {words[0]}")
        rows[what] = (short, Row(f"{what}: with {words[1]}", targets=[share_of(0.9, short, f"that with {words[0]}")]))
    page, mail_goes = (Row(f"restart after kill -9 with {words[1]}: {what}", "s", [at_most(1)])
                       for what in ("the page answers", "the first mail is out"))
    with run.sink("--pipelining", "--chunking") as one, run.sink("--pipelining", "--chunking") as other, \
            run.ours(one) as on_one, run.ours(other) as on_other:
        queues = [Queue(absender, sink, length) for absender, sink, length in zip((on_one, on_other), (one, other), lengths)]
        for turn in range(plan.repeats):
            run.note(f"depth, turn {turn + 1} of {plan.repeats}")
            for queue in queues:
                queue.refill()
            for (what, pair), act in zip(rows.items(), (Queue.accept, Queue.drain)):
                for row, queue in zip(pair, queues):
                    row.add(OURS, act(queue, plan.depth_load))
            queues[1].refill()
            for row, seconds in zip((page, mail_goes), queues[1].restart()):
                row.add(OURS, seconds)
        for queue in queues:
            run.losses.add_open(queue.given, queue.sink.report(), queue.absender.waiting())
    return [*(row for pair in rows.values() for row in pair), page, mail_goes]


def million(run):
    """Only in the full run. Filled for as long as MILLION_SECONDS at most, then watched while the first of them go."""
    wanted = run.plan.million
    if not wanted:
        return []
    with run.sink("--pipelining", "--chunking") as sink, run.ours(sink) as absender:
        absender.use(sink)
        sink.begin(0)
        size = absender.disk_bytes()
        loaded = load(absender, wanted, clients=4, batch=64, seconds=MILLION_SECONDS)
        count = loaded["mails"]
        name = f"a queue of {count:,}" + (f" (of {wanted:,}: {MILLION_SECONDS} s were over)" if count < wanted else "")
        filled, speed = Row(f"{name}: filled over HTTP"), Row(f"{name}: drain with CHUNKING, the first {WATCH_SECONDS} s")
        full, highest = (Row(f"{name}: memory (PSS) {when}", "MiB", [at_most(64, 1)]) for when in ("when full", "at most while it drains"))
        disk = Row(f"{name}: disk for one mail", "KiB", [at_most(3)])
        filled.add(OURS, loaded["per_second"])
        disk.add(OURS, (absender.disk_bytes() - size) / count / 1024)
        time.sleep(2)
        full.add(OURS, lab.pss_mib(absender.process.pid))
        highest.add(OURS, _highest_pss_while_sending(absender))
        speed.add(OURS, lab.rate(sink.report()))
        run.losses.add_open(count, sink.report(), absender.waiting())
    return [filled, speed, full, highest, disk]


def _highest_pss_while_sending(absender):
    most, until = 0.0, time.monotonic() + WATCH_SECONDS
    absender.switch(True)
    while time.monotonic() < until:
        most = max(most, lab.pss_mib(absender.process.pid))
        time.sleep(0.5)
    absender.pause()
    return most
