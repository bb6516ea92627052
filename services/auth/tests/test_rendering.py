"""Pages as they are written: words in every language, files with names that change, headers that keep strangers out."""

import json
import re
from importlib.resources import files
from string import Formatter

import httpx2
import pytest

from stoa_auth.accounts.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from stoa_auth.rendering import texts
from stoa_common.permissions import PERMISSIONS

from .browser import PAGES, Browser, set_cookies

RENDERING = files("stoa_auth.rendering")
EVERY_PAGE = ["log-in", "log-out", "verify-email", "forgot-password", "reset-password", "invitation"]


@pytest.fixture
def browser(client: httpx2.AsyncClient) -> Browser:
    return Browser(client)


@pytest.mark.parametrize("page", EVERY_PAGE)
async def test_no_page_holds_anything_inline_or_of_another_origin(browser: Browser, page: str) -> None:
    answer = await browser.get(f"{PAGES}/{page}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"<style|style=|\son[a-z]+=|javascript:|https?://", answer.text)
    assert not re.search(r"<script(?! src=)", answer.text)


@pytest.mark.parametrize("page", EVERY_PAGE)
async def test_every_page_says_what_a_browser_may_do_with_it(browser: Browser, page: str) -> None:
    headers = (await browser.get(f"{PAGES}/{page}")).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    wanted = {
        "cache-control": "no-store",
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        # `no-referrer` would make forms say `Origin: null`.
        "referrer-policy": "same-origin",
    }
    assert {name: headers[name] for name in wanted} == wanted


async def test_files_are_kept_for_ever_since_their_names_change_with_them(browser: Browser) -> None:
    page = await browser.get(f"{PAGES}/log-in")
    found = re.findall(r'(?:href|src)="(/api/v1/auth/static/[^"]+)"', page.text)

    answers = [await browser.get(path) for path in found]

    assert {path.rpartition(".")[2] for path in found} == {"css", "svg", "js"}
    assert all(re.search(r"\.[0-9a-f]{12}\.", path) for path in found)
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=31536000, immutable"}
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}


@pytest.mark.parametrize("name", ["pages.css", "..%2f..%2fservice.py", "pages.000000000000.css"])
async def test_no_other_file_is_given(browser: Browser, name: str) -> None:
    answer = await browser.get(f"/api/v1/auth/static/{name}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_page_speaks_what_its_browser_likes_and_remembers_a_choice(browser: Browser) -> None:
    browser.language = "ru"
    by_browser = await browser.get(f"{PAGES}/log-in")
    chosen = await browser.get(f"{PAGES}/log-in?next=%2Fcourses&lang=en")
    later = await browser.get(f"{PAGES}/forgot-password")

    languages = [re.findall('<html lang="(..)">', page.text) for page in (by_browser, chosen, later)]
    assert languages == [["ru"], ["en"], ["en"]]
    assert [page.headers["content-language"] for page in (by_browser, chosen, later)] == ["ru", "en", "en"]
    assert "?next=%2Fcourses&amp;lang=ru" in chosen.text
    kept = set_cookies(chosen)["__Host-stoa-language"]
    assert kept.value == "en"
    assert kept["secure"]
    assert kept["httponly"]


async def test_an_unknown_language_is_no_choice(browser: Browser) -> None:
    answer = await browser.get(f"{PAGES}/log-in?lang=%3Cscript%3E")

    assert '<html lang="en">' in answer.text
    assert "<script>" not in answer.text
    assert "__Host-stoa-language" not in browser.cookies


def test_all_words_are_written_with_the_same_values_in_every_language() -> None:
    values = {
        key: {language: {name for _, name, _, _ in Formatter().parse(text) if name} for language, text in said.items()}
        for key, said in texts.TEXTS.items()
    }

    assert not {key: found for key, found in values.items() if len(set(map(frozenset, found.values()))) > 1}


def test_every_permission_has_a_russian_sentence_for_the_consent_page() -> None:
    missing = [name for name in PERMISSIONS if texts.find("ru", f"scope.{name}") is None]

    assert not missing, "Write them in rendering/words/permissions.json."


def test_every_word_of_a_template_was_written_and_every_written_word_is_used() -> None:
    templates = "".join(file.read_text("utf-8") for file in RENDERING.joinpath("templates").iterdir())
    asked = set(re.findall(r"""\bt\(["']([a-z.-]+)["']""", templates))
    written = {
        key
        for file in RENDERING.joinpath("words").iterdir()
        if file.name == "pages.json"
        for key in json.loads(file.read_text("utf-8"))
    }

    assert asked <= texts.TEXTS.keys()
    titles = {key for key in written if re.search(r"\.(title|done|done-title)$", key)}
    assert written <= asked | titles


def test_the_length_of_a_password_is_told_as_it_is() -> None:
    for language in ("en", "ru"):
        told = texts.say(language, "error.password-is-malformed")

        assert [int(number) for number in re.findall(r"\d+", told)] == [SHORTEST_PASSWORD, LONGEST_PASSWORD]
