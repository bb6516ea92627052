"""The words of mails, in each language that we write."""

from dataclasses import dataclass
from typing import Final

from stoa_auth.mail.domain import PURPOSES, Content, Kind
from stoa_auth.rendering.service import liked_language as language

__all__ = ["Text", "language", "write"]


@dataclass(frozen=True, slots=True)
class Text:
    """A subject and a body; `{way}` is the sentence with the link or the code, `{organization}` who invites."""

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
    Kind.FACTOR_ADDED: Text(
        "A second factor was added to your account",
        "Hello,\n\nan authenticator app or a passkey was added to your account just now. From now on your password "
        "alone does not log in: keep your recovery codes where you find them without your phone.\n\nIf it was not you, "
        "ask for a new password at once, log in, and remove it.\n",
    ),
    Kind.FACTOR_REMOVED: Text(
        "A second factor was removed from your account",
        "Hello,\n\nan authenticator app or a passkey was removed from your account just now.\n\nIf it was not you, ask "
        "for a new password at once, and log out everywhere.\n",
    ),
    Kind.RECOVERY_CODE_USED: Text(
        "A recovery code of your account was used",
        "Hello,\n\nsomebody, probably you, used a recovery code of your account just now. It works only once; when few "
        "are left, make new ones.\n\nIf it was not you, ask for a new password at once, log out everywhere, and make "
        "new recovery codes.\n",
    ),
    Kind.IMPERSONATED: Text(
        "An operator acts in your account",
        "Hello,\n\nan operator of the platform has begun to act in your place, to help with a problem. It lasts an "
        "hour at most; your password and what else you log in with stay out of their reach, and all that they do is "
        "noted under their own name.\n\nYou see it among your sessions, and may end it there.\n",
    ),
    Kind.EXPORT: Text(
        "Your data are ready",
        "Hello,\n\nwhat we hold on you has been collected, as you asked. Log in and download it within seven days; "
        "then it is deleted.\n\nIf it was not you who asked, change your password at once.\n",
    ),
    Kind.INVITATION: Text(
        "You are invited to learn together",
        "Hello,\n\nyou are invited to join this organization:\n\n{organization}\n\nTo join, {way}\n\nUse it when you "
        "register with this address, or, if you have an account, when you are logged in. It works once, and for nobody "
        "else. If you don't know who invites you, ignore this mail.\n",
    ),
    Kind.WELCOME: Text(
        "An account was made for you",
        "Hello,\n\nthis organization has made an account for you, with this address, so that you can learn with it:\n\n"
        "{organization}\n\nTo choose your password, {way}\n\nThis works for seven days, and once; later, ask for a new "
        "password. Where your organization logs you in by itself, you need none. If you don't know the organization, "
        "ignore this mail.\n",
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
    Kind.FACTOR_ADDED: Text(
        "К вашей учётной записи добавлен второй фактор",
        "Здравствуйте!\n\nК вашей учётной записи только что добавлено приложение с кодами или ключ доступа. Теперь "
        "одного пароля для входа недостаточно: храните коды восстановления там, где найдёте их и без телефона.\n\nЕсли "
        "это сделали не вы, немедленно запросите новый пароль, войдите и удалите этот фактор.\n",
    ),
    Kind.FACTOR_REMOVED: Text(
        "Из вашей учётной записи удалён второй фактор",
        "Здравствуйте!\n\nИз вашей учётной записи только что удалено приложение с кодами или ключ доступа.\n\nЕсли это "
        "сделали не вы, немедленно запросите новый пароль и выйдите на всех устройствах.\n",
    ),
    Kind.RECOVERY_CODE_USED: Text(
        "Использован код восстановления",
        "Здравствуйте!\n\nКто-то, вероятно вы, только что использовал код восстановления вашей учётной записи. Каждый "
        "код действует один раз; когда их останется мало, создайте новые.\n\nЕсли это сделали не вы, немедленно "
        "запросите новый пароль, выйдите на всех устройствах и создайте новые коды.\n",
    ),
    Kind.IMPERSONATED: Text(
        "Оператор действует в вашей учётной записи",
        "Здравствуйте!\n\nОператор платформы начал действовать от вашего имени, чтобы помочь с проблемой. Это длится "
        "не дольше часа; ваш пароль и другие способы входа ему недоступны, а всё, что он делает, записывается под его "
        "именем.\n\nВы видите это среди своих сеансов и можете завершить там же.\n",
    ),
    Kind.EXPORT: Text(
        "Ваши данные готовы",
        "Здравствуйте!\n\nМы собрали всё, что храним о вас, как вы и просили. Войдите и скачайте архив в течение семи "
        "дней; потом он будет удалён.\n\nЕсли об этом просили не вы, немедленно смените пароль.\n",
    ),
    Kind.INVITATION: Text(
        "Вас приглашают учиться вместе",
        "Здравствуйте!\n\nВас приглашают в организацию:\n\n{organization}\n\nЧтобы вступить, {way}\n\nИспользуйте "
        "это при регистрации с этим адресом или, если учётная запись у вас уже есть, после входа. Приглашение "
        "действует один раз и только для вас. Если вы не знаете, кто вас приглашает, не обращайте внимания на это "
        "письмо.\n",
    ),
    Kind.WELCOME: Text(
        "Для вас создана учётная запись",
        "Здравствуйте!\n\nЭта организация создала для вас учётную запись с этим адресом, чтобы вы могли учиться:\n\n"
        "{organization}\n\nЧтобы задать пароль, {way}\n\nЭто действует семь дней и один раз; позже запросите новый "
        "пароль. Если организация сама выполняет ваш вход, пароль не нужен. Если вы не знаете эту организацию, не "
        "обращайте внимания на это письмо.\n",
    ),
}
_TEXTS: Final = {"en": _ENGLISH, "ru": _RUSSIAN}
_BY_LINK: Final = {"en": "open this link:\n\n{link}", "ru": "откройте эту ссылку:\n\n{link}"}
_BY_CODE: Final = {"en": "use this code:\n\n{token}", "ru": "введите этот код:\n\n{token}"}


def write(kind: Kind, language: str, content: Content, *, link: str | None) -> Text:
    """The mail in words; `link` is a URL with `{action}` and `{token}`, without it the mail shows the code."""
    text = _TEXTS[language][kind]
    if content.token is None:
        return text
    if link is None:
        way = _BY_CODE[language].format(token=content.token)
    else:
        # By the purpose of the token, where it has one: who is welcomed sets a password where others do.
        action = PURPOSES.get(kind, kind)
        way = _BY_LINK[language].format(link=link.format(action=action, token=content.token))
    return Text(text.subject, text.body.format(way=way, organization=content.organization))
