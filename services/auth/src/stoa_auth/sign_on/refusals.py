"""What sign-on refuses. `reason`, where there is one, tells an organization's admins more than the browser is told."""

from stoa_common.errors import BadGateway, BadRequest, Conflict, FieldError, Forbidden, Invalid, NotFound


class ConnectionIsUnknown(NotFound):
    """There is no such connection, or it is switched off, or another's, or a suspended organization's."""

    def __init__(self) -> None:
        super().__init__("There is no such connection. Ask an admin of your organization for the link to log in by.")


class TooManyConnections(Conflict):
    """The organization has as many connections as it may."""

    def __init__(self, most: int) -> None:
        super().__init__(f"An organization has at most {most} connections. Delete one first.")


class NothingToSignOnBy(Conflict):
    """Nobody could log in."""

    def __init__(self) -> None:
        super().__init__("Your organization has no connection that is enabled. Connect a provider first.")


class IssuerIsRefused(Invalid):
    """Nothing at this issuer can be used."""

    def __init__(self, message: str) -> None:
        wrong = FieldError(field="issuer", message=message)
        super().__init__("Give the issuer of an OpenID provider that Stoa reaches over https.", errors=[wrong])


class DomainIsAnothers(Conflict):
    """Another organization has proved the domain."""

    def __init__(self) -> None:
        super().__init__("Another organization has proved this domain. Withdraw that proof first.")


class DomainIsUnknown(NotFound):
    """Nobody has proved the domain."""

    def __init__(self) -> None:
        super().__init__("No organization has proved this domain.")


class IdentityIsUnknown(NotFound):
    """The person has no such identity."""

    def __init__(self) -> None:
        super().__init__("Your account is linked with no such identity.")


class SignOnIsOver(BadRequest):
    """What came back belongs to no attempt of this browser: an old one, a repeated one, or somebody else's."""

    def __init__(self) -> None:
        super().__init__("This log-in was not begun in this browser, or is over. Begin again from the log-in page.")


class ReturnIsRefused(Invalid):
    """The browser, or the app, may not be sent there."""

    def __init__(self, field_name: str, message: str) -> None:
        super().__init__(message, errors=[FieldError(field=field_name, message=message)])


class ProviderIsAway(BadGateway):
    """The organization's provider does not answer as it should, and may do so later."""

    def __init__(self, reason: str = "It did not answer a moment ago.") -> None:
        super().__init__("The provider of your organization does not answer. Try again in a moment.")
        self.reason = reason


class ProviderIsRefused(Forbidden):
    """What the provider said proves nothing; `reason` is for the organization's audit log."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "The provider's answer was refused. Ask an admin of your organization to look at its audit log."
        )
        self.reason = reason


class ProviderSaidNo(Forbidden):
    """The provider did not log the person in."""

    def __init__(self, error: str) -> None:
        super().__init__("Your organization's provider did not log you in. Try again, or ask an admin there.")
        known = error if error.isascii() and error.isidentifier() and len(error) <= 60 else "something else"
        self.reason = f"The provider answered {known}."


class AddressIsMissing(Forbidden):
    """The provider tells no e-mail address, and an account has one."""

    reason = "The provider told no e-mail address; ask it for the scope email."

    def __init__(self) -> None:
        super().__init__("Your organization's provider tells no e-mail address of yours. Ask an admin there.")


class AddressIsTaken(Conflict):
    """The address has an account, and nothing shows that it is the account of who is logging in."""

    reason = "The address has an account that is not linked with this identity."

    def __init__(self) -> None:
        super().__init__(
            "There is an account with your e-mail address. Log in to it as you did before, and link it with your "
            "organization's provider: POST /api/v1/auth/me/identities."
        )


class NewcomersAreNotAdmitted(Forbidden):
    """The connection logs members in, and makes nobody a member."""

    reason = "Who logged in is no active member, and the connection admits nobody new."

    def __init__(self) -> None:
        super().__init__("You are no member of this organization, or are suspended there. Ask an admin to let you in.")


class IdentityIsAnothers(Conflict):
    """The identity is linked with another account."""

    reason = "The identity is linked with another account."

    def __init__(self) -> None:
        super().__init__("This identity is linked with another account. Log in by it, and unlink it there first.")


class OperatorsDontSignOn(Forbidden):
    """Operators stand above organizations: none of these says who they are."""

    reason = "Operators don't log in by an organization's provider."

    def __init__(self) -> None:
        super().__init__("An operator's account is linked with no organization's provider. Log in by its password.")


class RolesAreGone(Conflict):
    """None of the roles that the connection gives exists any more."""

    reason = "The organization has none of the roles that the connection gives."

    def __init__(self) -> None:
        super().__init__("The connection gives roles that do not exist. Ask an admin of your organization to mend it.")


class CodeIsInvalid(Invalid):
    """An app's code is wrong, used up or older than a minute, or its verifier is another's."""

    def __init__(self) -> None:
        message = "This code is wrong, used up or expired. Begin the log-in again."
        super().__init__(message, errors=[FieldError(field="code", message=message)])
