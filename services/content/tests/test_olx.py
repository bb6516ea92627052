"""OLX: how an export becomes a course, and what its report names."""

from content_olx import RADIO, parsed, the_lesson, unsupported
from content_samples import OLX


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
