#!/usr/bin/env python3
"""kill -9 of the real daemon under load: nothing that was answered with success is lost, nothing is doubled unless it says so.

  test/crash/run.py [CYCLES [SEED]]
"""
import collections
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness.daemon import Daemon, Tap  # noqa: E402

CLIENTS = 4


def load(absender, taken, cycle, stop):
    """Sends until the daemon dies; remembers what it said yes to."""
    def client(number):
        count = 0
        while not stop.is_set():
            name = f"{cycle}-{number}-{count}"
            count += 1
            try:
                answer = absender.send(key=name, subject=name)
            except OSError:
                return  # killed in the middle: no answer, no promise
            except Exception:
                return
            if answer.status == 200:
                taken[name] = answer.json["id"]
            time.sleep(0.01)

    threads = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    return threads


def look_into_sandbox(absender, seen):
    """Adds what has arrived, by the capture's id; the sandbox keeps only the newest 500."""
    after = ""
    while True:
        page = absender.operator("GET", f"/v1/sandbox/messages?limit=200{after}").json
        seen.update({message["id"]: message["subject"] for message in page["data"]})
        if not page["has_more"]:
            return
        after = f"&after={page['data'][-1]['id']}"


ENDS = ("accepted", "uncertain")


def settled(absender, taken, wait=60):
    """The last answer about each mail, once all have ended or the time is up."""
    answers, until = {}, time.monotonic() + wait
    open_names = list(taken)
    while open_names and time.monotonic() < until:
        for name in open_names:
            answers[name] = absender.operator("GET", f"/v1/emails/{taken[name]}")
        open_names = [name for name in open_names if answers[name].status == 200 and answers[name].json["state"] not in ENDS]
        time.sleep(0.1)
    return answers


def main():
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    random.seed(seed)
    tap = Tap()
    print(f"# seed {seed}; again: test/crash/run.py {cycles} {seed}")
    taken, seen = {}, {}
    with Daemon("--dev") as absender:
        absender.sign_in_first_admin()
        absender.use_sandbox()
        absender.make_token()
        for cycle in range(cycles):
            stop = threading.Event()
            threads = load(absender, taken, cycle, stop)
            time.sleep(random.uniform(0.02, 0.2))
            absender.kill()
            stop.set()
            for thread in threads:
                thread.join(10)
            absender.start()
            look_into_sandbox(absender, seen)
        tap.ok(len(taken) >= cycles, f"{len(taken)} mails were taken over {cycles} crashes", len(taken))
        states = settled(absender, taken)
        lost = [name for name, answer in states.items() if answer.status != 200]
        tap.equal(lost, [], "no mail that was answered with success is lost")
        stuck = {name: answer.json["state"] for name, answer in states.items()
                 if answer.status == 200 and answer.json["state"] not in ENDS}
        tap.equal(stuck, {}, "after the last start every mail goes out, or says that it is uncertain")
        look_into_sandbox(absender, seen)
        counts = collections.Counter(seen.values())
        uncertain = {name for name, answer in states.items() if answer.status == 200 and answer.json["state"] == "uncertain"}
        tap.equal([name for name in taken if name not in counts and name not in uncertain], [], "what is called accepted has arrived")
        doubled = [name for name, count in counts.items() if count > 1 and name not in uncertain]
        tap.equal(doubled, [], "nothing arrived twice without being called uncertain")
        print(f"# {len(taken)} taken, {len(uncertain)} uncertain")
        tap.equal(absender.stop(), 0, "it stops in order")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
