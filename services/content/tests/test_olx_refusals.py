"""OLX that is broken or means harm: refused by name, and no secret ever enters a text."""

import contextlib

import pytest
from content_olx import findings, parsed, the_lesson
from content_samples import OLX, SHARED, Files, olx_problem
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa_common.errors import Refusal


@pytest.mark.parametrize(
    "response",
    [
        '<multiplechoiceresponse><choicegroup><choice correct="no">a</choice></choicegroup></multiplechoiceresponse>',
        "<choiceresponse><checkboxgroup/></choiceresponse>",
        "<optionresponse/>",
        """<optionresponse><optioninput options="('a','b')" correct="c"/></optionresponse>""",
        '<numericalresponse answer=""/>',
        '<stringresponse answer=" "/>',
    ],
)
def test_a_problem_without_a_right_answer_is_refused_by_file(response: str) -> None:
    ((place, message),) = findings(olx_problem(response))

    assert place == "problem/veg.xml"
    assert message.startswith("P: ")


def test_a_file_that_is_missing_is_refused_by_name() -> None:
    files = {name: content for name, content in OLX.items() if name != "export/problem/veg.xml"}

    assert findings(files) == [
        ("sequential/green.xml", "problem/veg.xml is missing, to which this file points; export the course again.")
    ]


def test_a_block_that_is_placed_twice_is_refused() -> None:
    twice = '<sequential><vertical><problem url_name="veg"/><problem url_name="veg"/></vertical></sequential>'

    ((_, message),) = findings({**OLX, "export/sequential/green.xml": twice})

    assert "placed twice" in message


BILLION = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><problem display_name="&b;"/>'


EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><problem>&a;</problem>'


@pytest.mark.parametrize("xml", [BILLION, EXTERNAL, '<!DOCTYPE x SYSTEM "http://x/y.dtd"><problem/>'])
def test_entities_and_document_types_are_refused(xml: str) -> None:
    assert findings({**OLX, "export/problem/veg.xml": xml}) == [
        ("problem/veg.xml", "XML with a document type or entities is not read; write the characters themselves.")
    ]


@pytest.mark.parametrize(
    ("xml", "place"),
    [
        (b"<problem>\n<p></problem>", "problem/veg.xml:2"),
        (b"", "problem/veg.xml:1"),
        (b"<problem>\xff</problem>", "problem/veg.xml:1"),
        (b'<?xml version="1.0" encoding="martian"?><problem/>', "problem/veg.xml:1"),
        (b"<p>" * 5_000 + b"</p>" * 5_000, "problem/veg.xml"),
        (b"<problem>&undefined;</problem>", "problem/veg.xml:1"),
    ],
)
def test_broken_xml_is_refused_with_its_line(xml: bytes, place: str) -> None:
    assert [found for found, _ in findings({**OLX, "export/problem/veg.xml": xml})] == [place]


@pytest.mark.parametrize("page", [b"caf\xe9", b"a\0b", b"<div>" * 5_000, b"x" * 700_000, b"<br>" * 20_001])
def test_a_page_that_cannot_be_read_is_refused(page: bytes) -> None:
    found = findings({**OLX, "export/html/why.html": page})

    assert all(place.partition(":")[0] in ("html/why.html", "html/why.xml") for place, _ in found)


@pytest.mark.parametrize(
    "broken", ["<!--", "<a '", "<", "<?", "<![CDATA[", '<a b="', "</", "<!", "<b>", "</p>", "a<b "]
)
def test_a_page_of_broken_tags_takes_no_longer_than_another(broken: str) -> None:
    with contextlib.suppress(Refusal):
        the_lesson({**OLX, "export/html/why.html": broken * 15_000})


def test_brackets_that_begin_no_tag_are_text() -> None:
    page = '<!DOCTYPE html><p>If 1 <2 and 3> 2, <b title="a>b">then</b> <!-- SECRET <b> -->stop.</p>'

    text = the_lesson({**OLX, "export/html/why.html": page}).text

    assert "If 1 <2 and 3> 2, **then** stop." in text


@pytest.mark.parametrize("file", ["course/run.xml", "chapter/leaves.xml", "sequential/green.xml"])
def test_a_title_that_is_too_long_is_refused(file: str) -> None:
    written = str(OLX[f"export/{file}"])
    longer = written.replace('display_name="', 'display_name="' + "x" * 301)

    assert "Shorten the title" in findings({**OLX, f"export/{file}": longer})[0][1]


def test_a_course_of_too_many_tags_is_refused() -> None:
    pages: Files = {f"export/html/{n}.html": "<br>" * 19_000 for n in range(16)}

    assert "split it" in findings({**OLX, **pages})[0][1]


TAGS = (
    "p div problem multiplechoiceresponse choiceresponse optionresponse numericalresponse stringresponse "
    "customresponse choicegroup checkboxgroup choice optioninput option solution demandhint hint label script table foo"
)


tags = st.sampled_from(TAGS.split())


attributes = st.dictionaries(
    st.sampled_from(["correct", "answer", "options", "type", "value", "selected", "partial_credit"]),
    st.sampled_from(["true", "5", "[1,2)", "('a','b')", "ci regexp", "A B", "", "$x", "5%", "nan"]),
    max_size=3,
)


@st.composite
def xml(draw: st.DrawFn, depth: int = 4) -> str:
    tag = draw(tags)
    written = "".join(f' {name}="{value}"' for name, value in draw(attributes).items())
    inner = "".join(draw(st.lists(xml(depth - 1), max_size=3))) if depth else ""
    return f"<{tag}{written}>{draw(st.sampled_from(['', 'text ', 'x < y'.replace('<', '&lt;')]))}{inner}</{tag}>"


@settings(max_examples=50)
@given(st.lists(xml(), max_size=4))
def test_any_problem_makes_a_lesson_or_is_refused(elements: list[str]) -> None:
    with contextlib.suppress(Refusal):
        lesson = the_lesson(olx_problem("".join(elements)))
        assert lesson.text.startswith("# Green")


@settings(max_examples=50)
@given(
    xml(depth=2),
    st.sampled_from(["solution", "demandhint", "script", "choicehint", "answer", "foo", "choice", "option"]),
)
def test_a_secret_never_enters_the_text(around: str, tag: str) -> None:
    inner = around.replace("</", f"<{tag}>S3CRET</{tag}></", 1)
    with contextlib.suppress(Refusal):
        assert "S3CRET" not in the_lesson(olx_problem(inner)).text


def test_the_kitchen_sink_keeps_its_secrets() -> None:
    folder = SHARED / "courses" / "kitchen_sink"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: it lies beside the repository, not in it.")
    files: Files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    course = parsed(files)

    texts = "\n".join(lesson.text for lesson in course.lessons())
    for lesson in course.lessons():
        for question in lesson.quiz.questions if lesson.quiz else []:
            assert question.prompt in lesson.text
            for secret in (*question.hints, question.solution):
                assert not secret or secret not in texts
    assert "test_add_to_ten" not in texts
    assert sum(len(lesson.quiz.questions) for lesson in course.lessons() if lesson.quiz) == 10
