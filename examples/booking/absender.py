"""Hands mail over to Absender. Everything a program needs: one POST, one GET, and what to do when they fail."""
import json
import urllib.error
import urllib.request

SECONDS = 10  # for one request


class Later(Exception):
    """Not taken for now: the same again after `seconds`, with the same key."""

    def __init__(self, why, seconds):
        super().__init__(why)
        self.seconds = seconds


class Refused(Exception):
    """Never taken as it is: a person must look at it."""


class Absender:
    def __init__(self, url, token):
        self.url = url.rstrip("/")
        self.token = token

    def send(self, key, email):
        """Hands over an email; its id. `key` makes a repeat safe: the second time the first one's answer comes back."""
        return self._ask("POST", "/v1/emails", email, {"Idempotency-Key": key})["id"]

    def states(self, after=None):
        """A page of what was handed over, the newest first: [(id, state)]. after: the last id of the page before."""
        page = self._ask("GET", "/v1/emails?limit=200" + (f"&after={after}" if after else ""))
        return [(email["id"], email["state"]) for email in page["data"]]

    def _ask(self, method, path, body=None, headers=None):
        request = urllib.request.Request(self.url + path, method=method, data=None if body is None else json.dumps(body).encode())
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Accept", "application/problem+json")
        request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise self._failure(error) from None
        except OSError as error:  # nobody there, or no answer in time: it may or may not have been taken
            raise Later(str(error), 1) from None

    @staticmethod
    def _failure(error):
        with error:
            try:
                problem = json.load(error)
                why = f"{problem['code']}: {problem.get('detail') or problem['title']}"
            except (ValueError, KeyError):
                why = f"HTTP {error.code}"
        if error.code >= 500 or (error.code == 429 and error.headers["Retry-After"]):
            return Later(why, int(error.headers["Retry-After"] or 1))
        return Refused(why)
