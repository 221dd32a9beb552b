"""Absender under the benchmark: started, verified against the sink, filled over HTTP, drained."""
import concurrent.futures
import json
import socket
import sys
import time

import lab
from harness.daemon import Daemon

BATCH = 64
FILLERS = 4
FILL_SECONDS = 600


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
    return {"to": "anna@example.test", "subject": "Buchung", "headers": {"X-Bench-Id": str(number)}, **content}


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
        content = content or {"text": lab.TEXT}
        template = json.dumps(mail("NUMBER", **content))
        has_batch = self.request("POST", "/v1/emails/batch", []).status != 404
        size = BATCH if has_batch and len(template) * BATCH < 200_000 else 1

        def post(numbers):
            poster = Poster(self)
            try:
                for start in numbers:
                    mails = [template.replace("NUMBER", str(n)) for n in range(start, min(start + size, first + count))]
                    path, body = ("/v1/emails", mails[0]) if size == 1 else ("/v1/emails/batch", f"[{','.join(mails)}]")
                    status, said = poster.post(path, body.encode())
                    if status != 200:
                        raise RuntimeError(f"the service refused a mail: {status} {said[:300]!r}")
            finally:
                poster.close()

        begun = time.monotonic()
        fillers = FILLERS if size > 1 else FILLERS * 4
        starts = range(first, first + count, size)
        with concurrent.futures.ThreadPoolExecutor(fillers) as pool:
            for done in [pool.submit(post, starts[each::fillers]) for each in range(fillers)]:
                done.result(FILL_SECONDS)
        return count / (time.monotonic() - begun)

    def waiting(self):
        return sum(self.operator("GET", "/v1/smtp").json["waiting"].values())

    def drain(self, sink, count):
        """Lets a filled queue go. What the sink saw, and what it cost this process."""
        sink.begin(count)
        pid = self.process.pid
        before = lab.cpu_seconds(pid)
        self.switch(True)
        report = sink.wait(count)
        until = time.monotonic() + 20
        while self.waiting() and time.monotonic() < until:
            time.sleep(0.05)
        used = lab.cpu_seconds(pid) - before
        report = sink.report()
        left = self.waiting()
        self.switch(False)
        if report["missing"] or report["duplicates"] or left:
            print(f"bench: ours: {report['missing']} missing, {report['duplicates']} duplicates, {left} still waiting of {count}", file=sys.stderr)
        return {"per_second": lab.rate(report), "cpu_per_1000": used / count * 1000, "left": left, "sink": report}
