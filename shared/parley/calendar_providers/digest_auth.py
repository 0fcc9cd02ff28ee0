"""Digest authentication (RFC 7616), for servers of CalDAV that want it instead of a password."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from urllib.request import parse_http_list, parse_keqv_list

_DIGEST = re.compile(r"(?i)(?:^|,)\s*digest\s+(.*)")
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}


@dataclass(slots=True)
class DigestChallenge:
    """What a server asked. `count` is how often its nonce was used."""

    realm: str
    nonce: str
    opaque: str | None
    algorithm: str
    has_qop: bool
    count: int = field(default=0)

    @classmethod
    def read(cls, header: str) -> "DigestChallenge | None":
        """None for what is no such challenge, or one by a way that we don't know."""
        match = _DIGEST.search(header)
        if match is None:
            return None
        # What follows of another scheme has no name of ours.
        listed = [parameter for parameter in parse_http_list(match[1]) if parameter.partition("=")[2]]
        parameters = {name.lower(): value for name, value in parse_keqv_list(listed).items()}
        algorithm, qop = parameters.get("algorithm", "MD5").upper(), parameters.get("qop")
        ways = [] if qop is None else [option.strip().lower() for option in qop.split(",")]
        if algorithm not in _HASHES or (ways and "auth" not in ways) or "nonce" not in parameters or "realm" not in parameters:
            return None
        return cls(parameters["realm"], parameters["nonce"], parameters.get("opaque"), algorithm, bool(ways))

    def answered(self, method: str, url: str, username: str, password: str) -> str:
        """The Authorization header of a request."""
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        secret, request = self._hash(f"{username}:{self.realm}:{password}"), self._hash(f"{method}:{target}")
        self.count += 1
        parameters = {"username": _quoted(username), "realm": f'"{self.realm}"', "nonce": f'"{self.nonce}"', "uri": f'"{target}"'}
        if self.has_qop:
            number, own = f"{self.count:08x}", secrets.token_hex(8)
            response = self._hash(f"{secret}:{self.nonce}:{number}:{own}:auth:{request}")
            parameters |= {"qop": "auth", "nc": number, "cnonce": f'"{own}"'}
        else:
            response = self._hash(f"{secret}:{self.nonce}:{request}")
        parameters |= {"response": f'"{response}"', "algorithm": self.algorithm}
        if self.opaque is not None:
            parameters["opaque"] = f'"{self.opaque}"'
        return "Digest " + ", ".join(f"{name}={value}" for name, value in parameters.items())

    def _hash(self, text: str) -> str:
        return hashlib.new(_HASHES[self.algorithm], text.encode(), usedforsecurity=False).hexdigest()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
