"""A provider that can be told at any moment what to do wrong: a real server over TLS with every extension, whose replies follow the
behaviour of the hour.

    with Provider() as server:
        server.moods.refuses_login = True  # 535 to every login, from now on
"""
import collections
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "real"))
from badserver import BadServer, Closed, Dialogue, address_of  # noqa: E402
from ledger import subject_of  # noqa: E402

SLOW_BYTE_SECONDS = 1.0
PATIENCE_SECONDS = 180  # of a test's end, not of the server


class Moods:
    """What the server does wrong now; the defaults are those of a server without fault."""

    refuses_login = False  # 535
    login_reply = None  # instead of checking a login
    login_waits_for = None  # an event: no login is answered before it
    storm = False  # 451 to every MAIL
    drops_after = frozenset()  # subjects whose mail it takes, and hangs up instead of saying so, the first time
    greylists_for = 0.0  # seconds: 450 to a recipient it has not known for so long
    dithers_on = {}  # recipient: seconds until it is answered
    trickles_to = frozenset()  # recipients whose mail is answered a byte a second
    hangs_on = frozenset()  # recipients whose mail is never read
    keeps_silent_on = frozenset()  # recipients whose mail is read and never answered
    reply_seconds = 0.0  # it thinks before it answers a mail's end


class MoodyDialogue(Dialogue):
    def __init__(self, server, session, context):
        super().__init__(server.plan, session, context)
        self.server, self.moods = server, server.moods

    def answer_auth(self, arguments):
        answer, may_answer = super().answer_auth(arguments), self.moods.login_waits_for
        self.server.logins += 1
        if may_answer and not may_answer.wait(PATIENCE_SECONDS):
            raise Closed
        if self.moods.refuses_login:
            return b"535 5.7.8 Authentication credentials invalid\r\n"
        return self.moods.login_reply or answer

    def answer_mail(self, arguments):
        if self.moods.storm:
            self.server.refused += 1
            return b"451 4.3.2 Please try again later\r\n"
        return super().answer_mail(arguments)

    def answer_rcpt(self, arguments):
        address = address_of(arguments)
        since = self.server.known_since.setdefault(address, time.monotonic())
        if self.server.is_over.wait(self.moods.dithers_on.get(address, 0)):
            raise Closed
        if time.monotonic() - since < self.moods.greylists_for:
            self.server.refused += 1
            return b"450 4.2.0 Greylisted, please come back later\r\n"
        return super().answer_rcpt(arguments)

    def hang_if_asked(self):
        if self.moods.hangs_on & set(self.recipients):
            self.server.is_over.wait()
            raise Closed

    def answer_data(self, arguments):
        if self.moods.hangs_on & set(self.recipients):
            self.session.send(b"354 End data with <CR><LF>.<CR><LF>\r\n")
        self.hang_if_asked()
        return super().answer_data(arguments)

    def answer_bdat(self, arguments):
        self.hang_if_asked()
        return super().answer_bdat(arguments)

    def take_mail(self, data):
        recipients = set(self.recipients)
        reply = super().take_mail(data)
        name = subject_of(data)
        self.server.taken_at.setdefault(name, time.monotonic())
        self.server.copies[name].append(data)
        if name in self.moods.drops_after and len(self.server.copies[name]) == 1:
            raise Closed
        if recipients & self.moods.keeps_silent_on:
            self.server.is_over.wait()
            raise Closed
        for number in range(len(reply) if recipients & self.moods.trickles_to else 0):
            if self.server.is_over.wait(SLOW_BYTE_SECONDS):
                raise Closed
            self.session.send(reply[number:number + 1])
        time.sleep(self.moods.reply_seconds)
        return b"" if recipients & self.moods.trickles_to else reply


class Provider(BadServer):
    def __init__(self):
        super().__init__("all_extensions")
        self.moods = Moods()
        self.logins = self.refused = 0
        self.known_since = {}  # recipient: when it was first named
        self.taken_at = {}  # subject: when its mail was first taken
        self.copies = collections.defaultdict(list)  # subject: what was taken under it
        self.is_over = threading.Event()

    def __exit__(self, *arguments):
        self.is_over.set()
        super().__exit__(*arguments)

    def _serve(self, session, context, is_one_too_many):
        try:
            MoodyDialogue(self, session, context).run()
        except Closed:
            pass
        finally:
            session.close()
