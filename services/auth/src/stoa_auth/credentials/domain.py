"""Rules of credentials."""

from stoa_common.errors import Invalid


class CurrentPasswordIsWrong(Invalid):
    """The password that was to be changed is another one."""

    def __init__(self) -> None:
        message = "This is not your current password. If you forgot it, ask for a mail at /api/v1/auth/forgot-password."
        super().__init__(message, errors=[{"field": "current_password", "message": message}])
