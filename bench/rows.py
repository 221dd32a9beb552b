"""The lines of the table and what their targets say."""
from typing import NamedTuple

import lab

OURS, LIMIT, NODEMAILER, POSTFIX = "ours", "minimal client", "nodemailer", "Postfix"


class Row:
    """One line of the table. Samples of OURS, LIMIT, NODEMAILER, POSTFIX; the median counts."""

    def __init__(self, name, unit="mails/s", targets=()):
        self.name, self.unit, self.targets = name, unit, list(targets)
        self.samples = {}

    def add(self, who, value):
        self.samples.setdefault(who, []).append(value)

    def value(self, who):
        return lab.median(self.samples.get(who))

    def judged(self):
        """Each target that can be judged."""
        return [verdict for target in self.targets if (verdict := target(self)) is not None]

    def as_json(self):
        return {"name": self.name, "unit": self.unit, "samples": self.samples,
                "median": {who: self.value(who) for who in self.samples},
                "targets": [verdict._asdict() for verdict in self.judged()]}


class Verdict(NamedTuple):
    target: str
    reached: str
    is_met: bool
    shortfall: float  # 0.1: a tenth is missing (or too much)


def at_least(least):
    def judge(row):
        ours = row.value(OURS)
        return None if ours is None else Verdict(f"≥ {least:,}", f"{ours:,.0f}", ours >= least, 1 - ours / least)
    return judge


def at_most(most, digits=2):
    def judge(row):
        ours = row.value(OURS)
        return None if ours is None else Verdict(f"≤ {most}", f"{ours:.{digits}f}", ours <= most, ours / most - 1 if most else 1)
    return judge


def times(factor, peer):
    def judge(row):
        ours, theirs = row.value(OURS), row.value(peer)
        return Verdict(f"≥ {factor} × {peer}", f"{ours / theirs:.1f} ×", ours >= factor * theirs, 1 - ours / theirs / factor) if ours and theirs else None
    return judge


def share(part, peer=LIMIT):
    def judge(row):
        ours, theirs = row.value(OURS), row.value(peer)
        return Verdict(f"≥ {part:.0%} of the limit", f"{ours / theirs:.0%}", ours >= part * theirs, 1 - ours / theirs / part) if ours and theirs else None
    return judge


def share_of(part, other, words):
    """Of what another row of ours reached."""
    def judge(row):
        ours, base = row.value(OURS), other.value(OURS)
        return Verdict(f"≥ {part:.0%} of {words}", f"{ours / base:.0%}", ours >= part * base, 1 - ours / base / part) if ours and base else None
    return judge


def at_most_of(factor, other, more, words):
    """At most so many times another row of ours and a little more."""
    def judge(row):
        ours, base = row.value(OURS), other.value(OURS)
        if ours is None or base is None:
            return None
        most = factor * base + more
        return Verdict(f"≤ {words} = {most:.2f}", f"{ours:.2f}", ours <= most, ours / most - 1)
    return judge
