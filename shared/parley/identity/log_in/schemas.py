"""What the routes of log-in take and answer. Passwords, codes and tokens are `SecretStr`: no `repr` shows them."""

import re
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr

from parley.kernel.values.fields import Email, Flag, Line, Locale, OneTimeSecret, PatchModel, RequestModel, ResponseModel, TimeZone

_USERNAME = re.compile(r"[a-z0-9]([a-z0-9._-]{1,28}[a-z0-9])", re.ASCII | re.IGNORECASE)


def _username(text: str) -> str:
    if not _USERNAME.fullmatch(text):
        raise ValueError("must have 3 to 30 letters, digits, dots, dashes or underscores, and begin and end with a letter or digit")
    return text


def _https(text: str) -> str:
    if not re.fullmatch(r"https://[^\s/?#@]+[^\s]*", text):
        raise ValueError("must be an https:// address")
    return text


Password = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
Token = Annotated[SecretStr, Field(min_length=1, max_length=200)]
Code = Annotated[SecretStr, Field(min_length=6, max_length=32)]
Username = Annotated[Line, AfterValidator(_username)]
Address = Annotated[Line, Field(max_length=2000), AfterValidator(_https)]


class Registration(RequestModel):
    """`password` may be sent to hear early what is wrong with it. It is not kept: who opens the link chooses the account's."""

    email: Email
    password: Password | None = None
    name: Line | None = None


class RegistrationConfirmed(RequestModel):
    """`password` becomes the account's; `name` too, else it is the one that was registered with. `cookie` as when logging in."""

    token: Token
    password: Password
    name: Line | None = None
    cookie: Flag = False


class Accepted(ResponseModel):
    """The same for every address: what happens next, a mail says."""

    detail: str


class Credentials(RequestModel):
    """`cookie`: the refresh token goes into a cookie, for browsers."""

    email: Email
    password: Password
    cookie: Flag = False


class SecondStep(RequestModel):
    challenge: Token
    code: Code
    cookie: Flag = False


class LinkWanted(RequestModel):
    email: Email


class LinkRedeemed(RequestModel):
    token: Token
    cookie: Flag = False


class EmailConfirmed(RequestModel):
    token: Token


class PasswordReset(RequestModel):
    """`drop_older_ways_in`: also turn off the second factor and unlink the providers that the account had before this address."""

    token: Token
    password: Password
    drop_older_ways_in: Flag = False


class PasswordChange(RequestModel):
    current_password: Password
    new_password: Password


class Proof(RequestModel):
    """One of the two: the current password, or a code of the authenticator or a recovery code. Neither, ten minutes from a log-in to an
    account that has neither."""

    password: Password | None = None
    code: Code | None = None

    def opened(self) -> tuple[str | None, str | None]:
        return (
            self.password.get_secret_value() if self.password else None,
            self.code.get_secret_value() if self.code else None,
        )


class EmailChange(Proof):
    email: Email


class RefreshWanted(RequestModel):
    """Without `refresh_token`, the cookie counts. With `cookie`, the next one goes into the cookie."""

    refresh_token: Token | None = None
    cookie: Flag = False


class LogOut(RequestModel):
    refresh_token: Token | None = None


class Switch(RequestModel):
    organization_id: UUID


class TotpRead(ResponseModel):
    """`otpauth_uri` is what an authenticator reads as a QR code; `secret` what is typed into it otherwise."""

    secret: OneTimeSecret
    otpauth_uri: OneTimeSecret


class CodeGiven(RequestModel):
    code: Code


class RecoveryCodesRead(ResponseModel):
    """Shown this once; each is good once."""

    recovery_codes: Annotated[list[str], Field(repr=False)]


class SessionRead(ResponseModel):
    """`user_agent` is what the device said of itself, `ip_address` where it was last seen."""

    id: UUID
    organization_id: UUID | None
    methods: list[str]
    ip_address: str | None
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    is_current: bool


class ProfileUpdate(PatchModel):
    _needed: ClassVar[frozenset[str]] = frozenset({"timezone", "locale"})

    name: Line | None = None
    username: Username | None = None
    timezone: TimeZone | None = None
    locale: Locale | None = None
    avatar_url: Address | None = None
