"""OLX: what is read, what goes to the report, and what is refused by name."""

import contextlib
from decimal import Decimal

import pytest
from content_samples import OLX, SHARED, Files, olx_problem
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa_common.errors import Refusal
from stoa_content.assessments.questions import (
    ChoiceKey,
    Credit,
    NumericKey,
    Question,
    QuestionKind,
    Quiz,
    Review,
    TextKey,
)
from stoa_content.imports.domain import CourseIsMalformed, ParsedCourse, ParsedLesson
from stoa_content.imports.folder import Folder
from stoa_content.imports.formats import parse_folder

RADIO = '<choicegroup><choice correct="true">yes</choice><choice correct="false">no</choice></choicegroup>'


def parsed(files: Files) -> ParsedCourse:
    folder = Folder(packed_bytes=1)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        folder.add(name, data if folder.keeps(name) else None)
    return parse_folder(folder)


def the_lesson(files: Files) -> ParsedLesson:
    (lesson,) = parsed(files).lessons()
    return lesson


def the_quiz(files: Files) -> Quiz:
    quiz = the_lesson(files).quiz
    assert quiz
    return quiz


def the_question(body: str) -> Question:
    (question,) = the_quiz(olx_problem(body)).questions
    return question


def unsupported(files: Files) -> list[tuple[str, str, str]]:
    """Everything in the report but the picture that the sample has."""
    found = parsed(files).report.unsupported
    return [(each.kind, each.type, each.title) for each in found if each.kind != "file"]


def findings(files: Files) -> list[tuple[str, str]]:
    with pytest.raises(CourseIsMalformed) as refused:
        parsed(files)
    return [(each["field"], each["message"]) for each in refused.value.errors]


def test_the_export_becomes_a_course_with_what_it_points_to() -> None:
    course = parsed(OLX)

    assert (course.title, course.language) == ("Plants", "de")
    assert [(c.title, [s.title for s in c.sections]) for c in course.chapters] == [("Leaves", ["Green"])]
    (lesson,) = course.lessons()
    assert lesson.text == (
        "# Green\n\n## Why green?\n\nLeaves hold **chlorophyll**.\n\n"
        "## A vegetable\n\nWhich is a vegetable?\n\n## A film\n"
    )


def test_a_course_may_stand_in_one_file() -> None:
    inline = (
        '<course org="O" course="C"><chapter display_name="A"><sequential display_name="B"><vertical display_name="V">'
        f'<html display_name="H"><p>Hello</p></html><problem display_name="P"><multiplechoiceresponse>{RADIO}'
        "</multiplechoiceresponse></problem></vertical></sequential></chapter></course>"
    )

    course = parsed({"course.xml": inline})

    assert course.title == "O C"
    assert [lesson.text for lesson in course.lessons()] == ["# V\n\nHello\n\n## P\n"]


def test_a_unit_that_nobody_named_has_its_sequentials_title() -> None:
    unit = '<vertical display_name="Unit"><html>x</html></vertical>'
    named = f'<sequential display_name="Green">{unit}{unit}<vertical display_name="Why"/></sequential>'

    lessons = list(parsed({**OLX, "export/sequential/green.xml": named}).lessons())

    assert [lesson.title for lesson in lessons] == ["Green", "Green (2)", "Why"]


def test_a_block_in_a_sequential_without_a_unit_is_a_lesson() -> None:
    files = {
        **OLX,
        "export/sequential/green.xml": '<sequential display_name="Green"><html url_name="why"/></sequential>',
    }

    assert the_lesson(files).title == "Why"


def test_a_problems_rules_become_its_quizs() -> None:
    quiz = the_quiz(OLX)

    assert (quiz.title, quiz.max_attempts, quiz.review) == ("Green", 3, Review.AFTER_ATTEMPT)


def test_radio_buttons_have_feedback_a_hint_and_a_solution() -> None:
    (question,) = the_quiz(OLX).questions

    assert question.kind is QuestionKind.SINGLE
    assert [option.text for option in question.options] == ["apple", "potato"]
    assert isinstance(question.key, ChoiceKey)
    assert (set(question.key.correct), question.key.feedback["a"].chosen) == ({"b"}, "A fruit.")
    assert (question.prompt, question.hints) == ("Which is a vegetable?", ["Think of seeds."])
    assert question.solution == "The potato is a tuber."


def test_checkboxes_have_feedback_on_both_sides_and_on_combinations() -> None:
    question = the_question(
        "<p>Which?</p><choiceresponse><checkboxgroup>"
        '<choice correct="true">a<choicehint selected="true">Yes.</choicehint>'
        '<choicehint selected="false">This, too.</choicehint></choice>'
        '<choice correct="false">b</choice><compoundhint value="A B">Not both.</compoundhint>'
        "</checkboxgroup></choiceresponse>"
    )

    assert question.kind is QuestionKind.MULTIPLE
    assert isinstance(question.key, ChoiceKey)
    assert (question.key.feedback["a"].chosen, question.key.feedback["a"].unchosen) == ("Yes.", "This, too.")
    assert [(set(each.choices), each.feedback) for each in question.key.combinations] == [({"a", "b"}, "Not both.")]


@pytest.mark.parametrize(
    "dropdown",
    [
        """<optioninput options="('India','Spain, too','It\\'s')" correct="India"/>""",
        '<optioninput><option correct="True">India</option><option correct="False">Spain, too</option>'
        '<option correct="False">It\'s</option></optioninput>',
    ],
)
def test_dropdowns_are_read_in_both_forms(dropdown: str) -> None:
    question = the_question(f"<p>Where?</p><optionresponse>{dropdown}</optionresponse>")

    assert [option.text for option in question.options] == ["India", "Spain, too", "It's"]
    assert isinstance(question.key, ChoiceKey)
    assert question.key.correct == {"a"}


@pytest.mark.parametrize(
    ("attributes", "inner", "low", "high"),
    [
        ('answer="9.3*10^7"', '<responseparam type="tolerance" default="0"/>', "93000000", "93000000"),
        ('answer="50"', '<responseparam type="tolerance" default="2%"/>', "49", "51"),
        ('answer="5"', '<responseparam type="tolerance" default="0.5"/>', "4.5", "5.5"),
        ('answer="100000"', "", "99999", "100001"),
        ('answer="[5, 7)"', "", "5", "7"),
    ],
)
def test_numbers_have_their_tolerance(attributes: str, inner: str, low: str, high: str) -> None:
    body = f"<p>How many?</p><numericalresponse {attributes}>{inner}<formulaequationinput/></numericalresponse>"
    key = the_question(body).key

    assert isinstance(key, NumericKey)
    assert (key.ranges[0].low, key.ranges[0].high) == (Decimal(low), Decimal(high))


def test_texts_have_more_right_answers_and_feedback_on_wrong_ones() -> None:
    key = the_question(
        '<stringresponse answer="Alaska" type="ci"><correcthint>Yes.</correcthint>'
        '<additional_answer answer="AK"/><additional_answer>Alyeska</additional_answer>'
        '<stringequalhint answer="Texas">Second.</stringequalhint><textline label="Which state?"/></stringresponse>'
    ).key

    assert isinstance(key, TextKey)
    assert [(each.text, each.correct, each.feedback) for each in key.answers] == [
        ("Alaska", True, "Yes."),
        ("AK", True, "Yes."),
        ("Alyeska", True, "Yes."),
        ("Texas", False, "Second."),
    ]
    assert not key.case_sensitive


def test_a_label_is_the_prompt_where_nothing_else_asks() -> None:
    assert the_question('<stringresponse answer="x"><textline label="Which?"/></stringresponse>').prompt == "Which?"


def test_a_pattern_is_read_where_it_lists_words_and_reported_where_it_does_not() -> None:
    words = the_question('<stringresponse answer="^red|green$" type="regexp ci"><textline/></stringresponse>').key
    assert isinstance(words, TextKey)
    assert [each.text for each in words.answers] == ["red", "green"]

    pattern = olx_problem('<stringresponse answer="(a+)+$" type="regexp"><textline/></stringresponse>')

    assert unsupported(pattern) == [("problem", "stringresponse", "P")]


def test_each_response_of_a_problem_is_a_question_with_its_own_prompt() -> None:
    radio = f"<multiplechoiceresponse>{RADIO}</multiplechoiceresponse>"
    solution = "<solution><p>Both yes.</p></solution>"

    quiz = the_quiz(olx_problem(f"<p>First?</p>{radio}<p>Second?</p><div>{radio}</div><p>The end.</p>{solution}"))

    assert [(q.title, q.prompt) for q in quiz.questions] == [("P (1)", "First?"), ("P (2)", "Second?\n\nThe end.")]
    assert [question.solution for question in quiz.questions] == ["Both yes.", "Both yes."]


def test_a_response_that_cannot_be_graded_is_reported_and_its_text_stays() -> None:
    files = olx_problem(
        f"<p>First?</p><multiplechoiceresponse>{RADIO}</multiplechoiceresponse>"
        '<p>Second?</p><customresponse cfn="f"><textline correct_answer="SECRET"/></customresponse>'
        '<script type="loncapa/python">SECRET</script>'
    )

    lesson = the_lesson(files)

    assert lesson.quiz
    assert len(lesson.quiz.questions) == 1
    assert "Second?" in lesson.text
    assert "SECRET" not in lesson.text
    assert unsupported(files) == [("problem", "customresponse", "P")]


@pytest.mark.parametrize(
    "response",
    [
        "<customresponse><drag_and_drop_input/></customresponse>",
        '<customresponse cfn="f"><jsinput/></customresponse>',
        '<formularesponse answer="x"/>',
        "<imageresponse/>",
        "<coderesponse/>",
        "<choicetextresponse/>",
        "<responseofthefuturesresponse/>",
        '<numericalresponse answer="10*i"/>',
        '<numericalresponse answer="$x"/>',
        "<multiplechoiceresponse><choicegroup>"
        + '<choice correct="true">a</choice>' * 27
        + "</choicegroup></multiplechoiceresponse>",
    ],
)
def test_what_cannot_be_graded_is_reported_by_name(response: str) -> None:
    files = olx_problem(f"<p>Do it.</p>{response}")

    assert len(unsupported(files)) == 1
    assert unsupported(files)[0][2] == "P"
    assert "Do it." in the_lesson(files).text


def test_values_that_a_script_computes_are_reported() -> None:
    body = '<script type="loncapa/python">x = 5</script><p>Twice $x?</p><numericalresponse answer="10"/>'

    assert unsupported(olx_problem(body)) == [("problem", "numericalresponse", "P")]


def test_partial_credit_is_given_where_each_decision_counts_and_reported_elsewhere() -> None:
    group = '<checkboxgroup><choice correct="true">a</choice><choice correct="false">b</choice></checkboxgroup>'
    each = f'<choiceresponse partial_credit="EDC">{group}</choiceresponse>'
    halves = f'<choiceresponse partial_credit="halves">{group}</choiceresponse>'

    key = the_question(each).key

    assert isinstance(key, ChoiceKey)
    assert key.credit is Credit.EACH
    assert unsupported(olx_problem(each)) == []
    assert unsupported(olx_problem(halves)) == [("problem", "choiceresponse", "P")]


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


def test_blocks_of_other_types_are_reported() -> None:
    unit = (
        '<vertical display_name="V"><poll display_name="A poll"/><html>x</html><lti url_name="l" href="x"/></vertical>'
    )
    files = {**OLX, "export/sequential/green.xml": f'<sequential display_name="S">{unit}</sequential>'}

    assert unsupported(files)[:2] == [("block", "poll", "A poll"), ("block", "lti", "V")]


def test_blocks_that_no_unit_shows_are_counted_and_reported() -> None:
    files = {**OLX, "export/video/old.xml": '<video display_name="Old film" youtube_id_1_0="x"/>'}

    assert parsed(files).report.counts["video"] == 2
    assert unsupported(files) == [("block", "video", "Old film")]


def test_what_only_staff_may_see_is_left_out() -> None:
    hidden = '<vertical display_name="Staff" visible_to_staff_only="true"><html>SECRET</html></vertical>'
    shown = '<vertical display_name="V"><html visible_to_staff_only="true">SECRET</html><html>Hello</html></vertical>'
    files = {**OLX, "export/sequential/green.xml": f'<sequential display_name="S">{hidden}{shown}</sequential>'}

    assert [lesson.text for lesson in parsed(files).lessons()] == ["# V\n\nHello\n"]
    assert ("block", "vertical", "Staff") in unsupported(files)


def test_a_video_without_a_source_is_reported() -> None:
    unit = '<vertical display_name="V"><video/></vertical>'
    files = {**OLX, "export/sequential/green.xml": f'<sequential display_name="S">{unit}</sequential>'}

    assert [(video.title, video.url) for video in the_lesson(files).videos] == [("V", None)]
    assert ("block", "video", "V") in unsupported(files)


def test_videos_link_to_their_first_source() -> None:
    video = (
        '<video html5_sources="[&quot;https://x.org/a.mp4&quot;, &quot;https://x.org/b.mp4&quot;]" display_name="F"/>'
    )
    files = {
        **OLX,
        "export/sequential/green.xml": f'<sequential display_name="S"><vertical>{video}</vertical></sequential>',
    }

    assert [each.url for each in the_lesson(files).videos] == ["https://x.org/a.mp4"]


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
