"""The words of mails, in each language that we write."""

import re
from dataclasses import dataclass
from typing import Final

from stoa_auth.mail.domain import Kind

DEFAULT_LANGUAGE: Final = "en"
_WEIGHTED: Final = re.compile(r"^([a-zA-Z]{2,3})(?:-[\w-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?$")


@dataclass(frozen=True, slots=True)
class Text:
    """A subject and a body; `{way}` is the sentence with the link or the code."""

    subject: str
    body: str


_ENGLISH: Final = {
    Kind.VERIFY: Text(
        "Confirm your e-mail address",
        "Hello,\n\nan account was made with this address. To confirm that it is yours, {way}\n\nThis works for three "
        "days, and once. If you made no account, ignore this mail.\n",
    ),
    Kind.KNOWN: Text(
        "You have an account already",
        "Hello,\n\nsomebody, probably you, wanted to register with this address, which has an account already. Nothing "
        "was changed.\n\nLog in with your password. If you don't know it, or never made this account, ask for a new "
        "password: whoever uses the account now is then logged out.\n",
    ),
    Kind.RESET: Text(
        "Choose a new password",
        "Hello,\n\nsomebody asked for a new password for your account. To choose one, {way}\n\nThis works for 30 "
        "minutes, and once. If it was not you, ignore this mail: your password stays as it is.\n",
    ),
    Kind.CHANGED: Text(
        "Your password was changed",
        "Hello,\n\nthe password of your account was changed just now, and other devices were logged out.\n\nIf it was "
        "not you, ask for a new password at once.\n",
    ),
}
_RUSSIAN: Final = {
    Kind.VERIFY: Text(
        "Подтвердите адрес электронной почты",
        "Здравствуйте!\n\nС этим адресом создана учётная запись. Чтобы подтвердить, что адрес ваш, {way}\n\nЭто "
        "действует три дня и один раз. Если вы не создавали учётную запись, не обращайте внимания на это письмо.\n",
    ),
    Kind.KNOWN: Text(
        "У вас уже есть учётная запись",
        "Здравствуйте!\n\nКто-то, вероятно вы, хотел зарегистрироваться с этим адресом, но учётная запись с ним уже "
        "есть. Ничего не изменилось.\n\nВойдите со своим паролем. Если вы его не знаете или не создавали эту запись, "
        "запросите новый пароль: все, кто ею пользуется, выйдут из системы.\n",
    ),
    Kind.RESET: Text(
        "Задайте новый пароль",
        "Здравствуйте!\n\nКто-то запросил новый пароль для вашей учётной записи. Чтобы задать его, {way}\n\nЭто "
        "действует 30 минут и один раз. Если это были не вы, не обращайте внимания: пароль останется прежним.\n",
    ),
    Kind.CHANGED: Text(
        "Ваш пароль изменён",
        "Здравствуйте!\n\nПароль вашей учётной записи только что изменён, на других устройствах выполнен выход.\n\n"
        "Если это сделали не вы, немедленно запросите новый пароль.\n",
    ),
}
_TEXTS: Final = {"en": _ENGLISH, "ru": _RUSSIAN}
_BY_LINK: Final = {"en": "open this link:\n\n{link}", "ru": "откройте эту ссылку:\n\n{link}"}
_BY_CODE: Final = {"en": "use this code:\n\n{token}", "ru": "введите этот код:\n\n{token}"}


def language(accepted: str | None) -> str:
    """The language of ours that an Accept-Language header likes best (RFC 9110, section 12.5.4); English for none."""
    wanted = [_WEIGHTED.match(part.strip()) for part in (accepted or "")[:500].split(",")]
    ranked = sorted((match for match in wanted if match), key=lambda match: -float(match[2] or 1))
    liked = (match[1].lower() for match in ranked if float(match[2] or 1) > 0)
    return next((name for name in liked if name in _TEXTS), DEFAULT_LANGUAGE)


def write(kind: Kind, language: str, *, token: str | None, link: str | None) -> Text:
    """The mail in words; `link` is a URL with `{action}` and `{token}`, without it the mail shows the code."""
    text = _TEXTS[language][kind]
    if token is None:
        return text
    if link is None:
        way = _BY_CODE[language].format(token=token)
    else:
        way = _BY_LINK[language].format(link=link.format(action=kind, token=token))
    return Text(text.subject, text.body.format(way=way))
