"""The page that explains an archive, in the person's language."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

_HEADS: Final = {
    "en": "What Stoa holds on you\n======================\n\nCollected on {date} (UTC). Each file is JSON: a list of "
    "rows of one table, as the\nservice keeps them. Times are UTC, scores are from 0 to 1.\n"
    "Passwords, keys and codes are not in here, nor their digests: they are no use to you, and of\nuse to whoever "
    'steals this file. A value such as {{"enc": ..., "ct": ...}} is encrypted; it is the copy of\nan event, and what '
    "it says stands in the clear in the file of the service that published it.\n",
    "ru": "Что Stoa хранит о вас\n=====================\n\nСобрано {date} (UTC). Каждый файл — JSON: список строк "
    "одной таблицы, как их хранит\nслужба. Время указано в UTC, оценки — от 0 до 1, идентификаторы обозначают предметы "
    "и людей.\nПаролей, ключей и кодов здесь нет, как и их отпечатков: вам они не нужны, а тому, кто\nукрадёт этот "
    'файл, пригодились бы. Значение вида {{"enc": ..., "ct": ...}} зашифровано; это копия\nсобытия, и её содержание '
    "открыто записано в файле той службы, которая его опубликовала.\n",
}
_SERVICES: Final = {
    "en": {
        "auth": "your account: name and address, organizations, sessions, keys, mails, what was done and recorded",
        "content": "what you took and did: courses, lessons, answers to quizzes, files",
        "ai": "what the assistant did for you: when, about which course, with which model, what it used",
        "analytics": "events about you, from which reports are counted",
        "feed": "events about you, as your organization reads them",
    },
    "ru": {
        "auth": "учётная запись: имя и адрес, организации, сеансы, ключи, письма, журнал действий",
        "content": "что вы проходили и делали: курсы, уроки, ответы на тесты, файлы",
        "ai": "что делал для вас помощник: когда, по какому курсу, с какой моделью и с каким расходом",
        "analytics": "события о вас, по которым считаются отчёты",
        "feed": "события о вас, какими их читает ваша организация",
    },
}
_RIGHTS: Final = {
    "en": "\nTo have all of it erased: DELETE /api/v1/auth/me, or the account page of your app.\n",
    "ru": "\nЧтобы всё это удалить: DELETE /api/v1/auth/me или страница учётной записи вашего приложения.\n",
}


def explain(language: str, tables: Sequence[tuple[str, str]], *, at: datetime) -> str:
    """The page, with every file and what it is."""
    said = _SERVICES[language]
    parts = [_HEADS[language].format(date=at.strftime("%Y-%m-%d %H:%M"))]
    for service in dict.fromkeys(service for service, _ in tables):
        parts.append(f"\n{service}/ - {said.get(service, service)}\n")
        parts += [f"  {service}/{name}.json\n" for owner, name in tables if owner == service]
    return "".join([*parts, _RIGHTS[language]])
