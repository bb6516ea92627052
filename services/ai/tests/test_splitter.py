from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from stoa_ai.passages.sentences import Span, sentences
from stoa_ai.passages.splitter import LIMIT, estimate_tokens, split

_LINES = st.sampled_from(
    [
        "# Title",
        "## Part",
        "Under\n=====",
        "Some words that say something. And more of it!",
        "- an item",
        "12) another",
        "| a | b |",
        "```",
        "~~~ python",
        "    code",
        "---",
        "",
        "  ",
        "> quoted",
        "Ende gut, alles gut?",
        "日本語の文です。もう一つ。",
        "word " * 300,
        "x" * 3000,
        "a\u2028b\x0bc\x85d",
        "🌊🌊 surrogates have no place here",
    ]
)
MARKDOWN = st.one_of(
    st.text(max_size=400),
    st.lists(_LINES, max_size=25).flatmap(
        lambda lines: st.sampled_from(["\n", "\r\n", "\r", "\n\n"]).map(lambda end: end.join(lines))
    ),
)


@given(MARKDOWN)
@example("# Title\r\n\r\nText.\r\n---\r\n")
@example("```\nnever closed")
def test_a_passage_is_its_place_in_the_text(text: str) -> None:
    for passage in split(text):
        assert passage.text == text[passage.start : passage.end]
        assert passage.text == passage.text.strip() != ""


@given(MARKDOWN)
def test_passages_come_in_order_and_hold_all_that_is_not_space(text: str) -> None:
    passages = split(text)

    ends = [0, *(passage.end for passage in passages)]
    starts = [*(passage.start for passage in passages), len(text)]
    assert all(end <= start for end, start in zip(ends, starts, strict=True))
    assert all(not text[end:start].strip() for end, start in zip(ends, starts, strict=True))


@given(MARKDOWN)
def test_no_passage_is_longer_than_a_model_reads(text: str) -> None:
    assert all(estimate_tokens(passage.text) <= LIMIT for passage in split(text))


def test_an_empty_lesson_has_no_passages() -> None:
    assert split(" \n\n ") == []


def test_a_heading_stays_with_its_text() -> None:
    text = "# Tides\n\n## Why\n\nThe Moon pulls.\n\n## When\n\nTwice a day."

    found = [(passage.text, passage.headings) for passage in split(text)]

    assert found == [
        ("# Tides\n\n## Why\n\nThe Moon pulls.", ("Tides", "Why")),
        ("## When\n\nTwice a day.", ("Tides", "When")),
    ]


def test_a_heading_stays_with_a_text_that_fills_a_passage_alone() -> None:
    text = "## Why\n\n" + "The Moon pulls at the sea. " * 28

    first, *others = split(text)

    assert first.text.startswith("## Why\n\nThe Moon pulls")
    assert all(passage.headings == ("Why",) for passage in others)


def test_a_heading_without_text_is_a_passage() -> None:
    assert [passage.text for passage in split("Text.\n\n# The end")] == ["Text.", "# The end"]


def test_underlined_headings_count_too() -> None:
    [first, second] = split("Tides\n=====\n\nThe Moon pulls.\n\nWhen\n----\nTwice.")

    assert first.headings == ("Tides",)
    assert second.headings == ("Tides", "When")


def test_a_hash_in_code_is_no_heading() -> None:
    [passage] = split("# Python\n\n```python\n# not a heading\nx = 1\n```\n\nDone.")

    assert passage.headings == ("Python",)


def test_sentences_are_not_cut() -> None:
    sentence = "The Moon pulls at the near side of the Earth more than at its center."

    passages = split(" ".join([sentence] * 60))

    assert len(passages) > 3
    assert all(set(_words_of(passage.text, sentence)) == {sentence} for passage in passages)


def _words_of(text: str, sentence: str) -> list[str]:
    return [text[i : i + len(sentence)] for i in range(0, len(text), len(sentence) + 1)]


def test_long_texts_fall_into_like_parts() -> None:
    paragraphs = "\n\n".join(f"Paragraph {n} says a thing or two about the sea and the Moon." for n in range(40))

    sizes = [estimate_tokens(passage.text) for passage in split(paragraphs)]

    assert min(sizes) > max(sizes) / 2


def _sentences(text: str) -> list[str]:
    return [span.of(text) for span in sentences(text, 0, len(text))]


def test_sentences_end_at_marks() -> None:
    text = 'One. "Two!" Is it three? 四つ。五つ。'

    assert _sentences(text) == ["One.", '"Two!"', "Is it three?", "四つ。", "五つ。"]


def test_abbreviations_decimals_and_initials_end_no_sentence() -> None:
    text = "Pull, e.g. by 3.5 N, as Dr. J. Smith did. Then stop."

    assert _sentences(text) == ["Pull, e.g. by 3.5 N, as Dr. J. Smith did.", "Then stop."]


@given(MARKDOWN)
def test_sentences_hold_all_that_is_not_space(text: str) -> None:
    spans = [Span(0, 0), *sentences(text, 0, len(text)), Span(len(text), len(text))]

    gaps = [text[a.end : b.start] for a, b in pairwise(spans)]
    assert all(not gap.strip() for gap in gaps)
