from stoa_devkit.demo.agreement import differences
from stoa_devkit.demo.records import Answer, Citation, Figures, Told


def test_equal_figures_agree() -> None:
    assert differences(Figures(20, 60, 0.7), Figures(20, 60, 0.7 + 1e-9)) == []


def test_a_course_without_quizzes_agrees_that_there_is_no_mean() -> None:
    assert differences(Told(learners=3).figures(), Figures(3, 0, None)) == []


def test_no_mean_is_not_a_mean_of_zero() -> None:
    assert differences(Figures(3, 0, None), Figures(3, 0, 0.0)) == ["The mean score was None, analytics says 0.0."]


def test_each_figure_that_differs_is_said() -> None:
    assert differences(Figures(20, 60, 0.7), Figures(19, 61, 0.71)) == [
        "20 learners enrolled, analytics counts 19.",
        "60 attempts were graded, analytics counts 61.",
        "The mean score was 0.7, analytics says 0.71.",
    ]


def test_the_mean_is_over_all_attempts() -> None:
    assert Told(learners=2, scores=[1.0, 0.5, 0.75]).figures() == Figures(2, 3, 0.75)


def test_a_citation_counts_code_points_and_not_bytes() -> None:
    text = "Die Größe 😀 zählt."

    assert Citation("1", "Lesson", 10, 11, "😀").holds_in(text)
    assert not Citation("1", "Lesson", 11, 12, "😀").holds_in(text)
    assert not Citation("1", "Lesson", 3, 3, "").holds_in(text)


def an_answer(question: str, *, found: bool) -> Answer:
    return Answer(question, "text", [], found, "extractive")


def test_answers_that_found_something_are_shown_first_and_each_question_once() -> None:
    told = Told(answers=[an_answer(q, found=q != "a") for q in ("c", "a", "b", "c")])

    best = told.best_answers(["a", "b", "c", "d"], count=3)

    assert [answer.question for answer in best] == ["b", "c", "a"]
