"""Absender under the benchmark: started, verified against the sink, filled over HTTP, drained."""
import json
import pathlib
import socket
import sys
import tempfile
import time

import lab
from harness.daemon import Daemon

BATCH = 64
FILLERS = 4


class Poster:
    """One keep-alive connection. http.client costs more than the answers it waits for."""

    def __init__(self, absender):
        self.socket = socket.create_connection(("127.0.0.1", absender.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.token = absender.token

    def post(self, path, body):
        self.socket.sendall((f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.token}\r\n"
                             f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._more()
        head, _, content = answer.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        while len(content) < length:
            content += self._more()
        return int(head.split(b" ", 2)[1]), content

    def _more(self):
        got = self.socket.recv(65536)
        if not got:
            raise RuntimeError("the service closed the connection")
        return got

    def close(self):
        self.socket.close()


def mail(number, **content):
    return {"to": "anna@example.test", "subject": "Buchung", "headers": {"X-Bench-Id": str(number)}, **(content or {"text": lab.TEXT})}


def load(absender, count, clients=64, batch=1, first=1, content=None, seconds=0):
    """Posts mails with the ids first … from so many clients, until all are taken or so many seconds are over; what the load says of it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(mail("NUMBER", **(content or {})), file)
        file.flush()
        return lab.run_program("load", "--port", absender.port, "--token", absender.token, "--mail", file.name, "--mails", count,
                               "--clients", clients, "--batch", batch, "--first-id", first, "--seconds", seconds)


class Ours(Daemon):
    def __init__(self, sinks, *options, program=None):
        ports = [option for sink in sinks for option in ("--allow-port", str(sink.implicit_port))]
        more = {"program": program} if program else {}
        super().__init__("--dev", "--ca-file", str(sinks[0].ca_file), *ports, *options, **more)

    def __enter__(self):
        super().__enter__()
        self.sign_in_first_admin()
        self.make_token()
        return self

    def use(self, sink, connections=4, window=16):
        """Verifies settings for this sink and makes them active; sending is paused afterwards."""
        run = self.verify({"host": "localhost", "port": sink.implicit_port, "security": "implicit", "from_email": lab.USER,
                           "from_name": "Praxis", "username": lab.USER, "password": lab.PASSWORD, "max_connections": connections,
                           "window": window})
        if not isinstance(run, dict) or run["state"] != "passed":
            raise RuntimeError(f"the verification against the sink: {run}")
        self.switch(False)

    def fill(self, count, first=1, content=None):
        """Queues mails with the ids first … over HTTP. Returns the mails taken per second."""
        is_large = len(json.dumps(content or "")) * BATCH > 200_000
        has_batch = self.request("POST", "/v1/emails/batch", []).status != 404
        clients, batch = (FILLERS, BATCH) if has_batch and not is_large else (FILLERS * 4, 1)
        return load(self, count, clients, batch, first, content)["per_second"]

    def disk_bytes(self):
        """Of the database with all that belongs to it."""
        return sum(file.stat().st_blocks * 512 for file in pathlib.Path(self.data).glob("absender.db*"))

    def waiting(self):
        return sum(self.operator("GET", "/v1/smtp").json["waiting"].values())

    def drain(self, sink, count):
        """Lets a filled queue go. What the sink saw, and what it cost this process."""
        sink.begin(count)
        before = lab.cpu_seconds(self.process.pid)
        self.switch(True)
        result = self._finish(sink, count, before)
        return {**result, "per_second": lab.rate(result["sink"])}

    def through(self, sink, count, clients):
        """Takes mails over HTTP and sends them at the same time. The rate is from the first request to the sink's last mail."""
        sink.begin(count)
        self.switch(True)
        before = lab.cpu_seconds(self.process.pid)
        loaded = load(self, count, clients)
        result = self._finish(sink, count, before)
        return {**result, "per_second": lab.rate_since(loaded["begun"], result["sink"])}

    def _finish(self, sink, count, cpu_before):
        """Until all came and all outcomes are recorded; then sending is paused."""
        sink.wait(count)
        left = self.settle()
        used, report = lab.cpu_seconds(self.process.pid) - cpu_before, sink.report()
        self.switch(False)
        if report["missing"] or report["duplicates"] or left:
            print(f"bench: ours: {report['missing']} missing, {report['duplicates']} duplicates, {left} still waiting of {count}", file=sys.stderr)
        return {"cpu_per_1000": used / count * 1000, "left": left, "sink": report}

    def settle(self, wait=20):
        """Until all outcomes are recorded: how many mails wait after that."""
        until = time.monotonic() + wait
        while (left := self.waiting()) and time.monotonic() < until:
            time.sleep(0.05)
        return left

    def pause(self, wait=30):
        """Switches sending off and waits until nothing is on its way."""
        self.switch(False)
        until = time.monotonic() + wait
        while self.operator("GET", "/v1/smtp").json["waiting"]["sending"]:
            if time.monotonic() > until:
                raise RuntimeError(f"{wait} s after the pause mails are still on their way")
            time.sleep(0.01)
