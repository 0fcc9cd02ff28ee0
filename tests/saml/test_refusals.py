"""Answers that open nothing: every one of them is what an attacker, a broken provider or a replay would send."""

from __future__ import annotations

import base64
import copy
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from lxml import etree
from sqlalchemy import select, update

from parley.identity.models import User, UserSession
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from parley.saml.models import SamlAssertion, SamlConnection
from tests.harness import World
from tests.saml.identity_provider import NS, Twist, assertion, key_pair, xmlsec
from tests.saml.sso_scenarios import SsoOrganization, with_sso

EVIL = "evil"


@pytest.fixture(scope="module")
def house(world: World) -> SsoOrganization:
    return with_sso(world, "Strict")


def of(root: Any, path: str) -> Any:
    element = root.find(path, NS)
    assert element is not None, path
    return element


def put(path: str, attribute: str, value: str | None) -> Twist:
    def twist(root: Any) -> None:
        element = root if path == "." else of(root, path)
        if value is None:
            element.attrib.pop(attribute, None)
        else:
            element.set(attribute, value)

    return twist


def write(path: str, text: str) -> Twist:
    def twist(root: Any) -> None:
        of(root, path).text = text

    return twist


def cut(path: str) -> Twist:
    def twist(root: Any) -> None:
        element = of(root, path)
        element.getparent().remove(element)

    return twist


def doubled(path: str) -> Twist:
    def twist(root: Any) -> None:
        element = of(root, path)
        element.addnext(copy.deepcopy(element))

    return twist


def at(**shift: float) -> str:
    return f"{datetime.now(UTC) + timedelta(**shift):%Y-%m-%dT%H:%M:%SZ}"


def refused(house: SsoOrganization, code: str, *, email: str | None = None, **terms: Any) -> None:
    before = len(house.owner.rows(select(UserSession)))
    answer = house.log_in(email or f"mallory@{house.domain}", **terms)
    assert (answer.status in (400, 403), answer.body["code"]) == (True, code), answer.raw
    assert len(house.owner.rows(select(UserSession))) == before
    assert "set-cookie" not in answer.headers


# --- what was signed, and means somebody else or something else -----------------------------------------------------------------------

VOUCHED = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"
CONFIRMATION, CONDITIONS = ".//saml:SubjectConfirmationData", ".//saml:Conditions"
SAID: dict[str, tuple[Twist, str]] = {
    "expired conditions": (put(CONDITIONS, "NotOnOrAfter", at(seconds=-61)), "assertion_expired"),
    "an expired confirmation": (put(CONFIRMATION, "NotOnOrAfter", at(seconds=-61)), "assertion_expired"),
    "a confirmation without an end": (put(CONFIRMATION, "NotOnOrAfter", None), "incomplete_assertion"),
    "a session that is over": (put(".//saml:AuthnStatement", "SessionNotOnOrAfter", at(seconds=-61)), "assertion_expired"),
    "not yet valid": (put(CONDITIONS, "NotBefore", at(minutes=30)), "assertion_not_yet_valid"),
    "a confirmation that is not yet valid": (put(CONFIRMATION, "NotBefore", at(minutes=30)), "assertion_not_yet_valid"),
    "no time at all": (put(CONDITIONS, "NotOnOrAfter", "tomorrow"), "incomplete_assertion"),
    "a time without a zone": (put(CONDITIONS, "NotOnOrAfter", "2099-01-01T00:00:00"), "incomplete_assertion"),
    "a year beyond years": (put(CONDITIONS, "NotOnOrAfter", "9999-12-31T23:59:59-14:00"), "incomplete_assertion"),
    "another audience": (write(".//saml:Audience", "https://other.example/"), "wrong_audience"),
    "no audience": (cut(".//saml:AudienceRestriction"), "wrong_audience"),
    "another recipient": (put(CONFIRMATION, "Recipient", "https://other.example/acs"), "wrong_recipient"),
    "no recipient": (put(CONFIRMATION, "Recipient", None), "wrong_recipient"),
    "another destination": (put(".", "Destination", "https://other.example/acs"), "wrong_recipient"),
    "no destination": (put(".", "Destination", None), "wrong_recipient"),
    "another issuer of the assertion": (write("./saml:Assertion/saml:Issuer", "https://other.example/"), "wrong_issuer"),
    "another issuer of the response": (write("./saml:Issuer", "https://other.example/"), "wrong_issuer"),
    "a request that nobody made": (put(CONFIRMATION, "InResponseTo", "_nobody"), "wrong_recipient"),
    "no request": (put(CONFIRMATION, "InResponseTo", None), "wrong_recipient"),
    "another way of confirming": (put(".//saml:SubjectConfirmation", "Method", VOUCHED), "incomplete_assertion"),
    "two confirmations": (doubled(".//saml:SubjectConfirmation"), "incomplete_assertion"),
    "two names": (doubled(".//saml:NameID"), "incomplete_assertion"),
    "no name": (cut(".//saml:NameID"), "incomplete_assertion"),
    "a name of spaces": (write(".//saml:NameID", "  "), "incomplete_assertion"),
    "an endless name": (write(".//saml:NameID", "x" * 257), "incomplete_assertion"),
    "a transient name": (put(".//saml:NameID", "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"), "incomplete_assertion"),
    "no conditions": (cut(CONDITIONS), "incomplete_assertion"),
    "no authentication": (cut(".//saml:AuthnStatement"), "incomplete_assertion"),
    "an old version": (put("./saml:Assertion", "Version", "1.1"), "incomplete_assertion"),
    "a failure": (put("./samlp:Status/samlp:StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder"), "login_refused"),
    "two assertions": (doubled("./saml:Assertion"), "not_one_assertion"),
    "no assertion": (cut("./saml:Assertion"), "not_one_assertion"),
}  # fmt: skip


def elsewhere_restricted(root: Any) -> None:
    second = copy.deepcopy(of(root, ".//saml:AudienceRestriction"))
    of(second, "saml:Audience").text = "https://other.example/"
    of(root, CONDITIONS).append(second)


SAID["another audience beside ours"] = (elsewhere_restricted, "wrong_audience")


@pytest.mark.parametrize("case", SAID)
def test_what_is_signed_and_wrong_opens_nothing(house: SsoOrganization, case: str) -> None:
    twist, code = SAID[case]
    refused(house, code, before=twist, signs="response" if case == "no assertion" else "assertion")


def test_a_minute_of_difference_between_clocks_is_none(house: SsoOrganization) -> None:
    def slow(root: Any) -> None:
        put(CONDITIONS, "NotBefore", at(seconds=50))(root)
        put(CONFIRMATION, "NotOnOrAfter", at(seconds=-50))(root)

    assert house.log_in(f"ada@{house.domain}", before=slow).status == 200


def test_an_assertion_that_holds_for_ever_is_good_once_all_the_same(house: SsoOrganization) -> None:
    browser = house.browser()
    authn_request, for_ever = house.begin(browser), put(CONFIRMATION, "NotOnOrAfter", "9999-12-31T23:59:59.9999999Z")
    document = house.provider.respond(authn_request, f"ada@{house.domain}", before=for_ever)
    answers = [house.post(browser, document, authn_request.relay_state) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 403], answers[0].raw


# --- who signed it ---------------------------------------------------------------------------------------------------------------------


def test_unsigned(house: SsoOrganization) -> None:
    refused(house, "unsigned", signs="nothing")


def test_another_providers_key_whatever_certificate_it_shows(house: SsoOrganization) -> None:
    refused(house, "untrusted_signature", keys=key_pair())
    private_key, _ = key_pair()
    refused(house, "untrusted_signature", keys=(private_key, house.provider.certificate))


def test_one_of_two_signatures_by_somebody_else(house: SsoOrganization) -> None:
    def also_signed(root: Any) -> None:
        house.provider.sign(root, key_pair())

    refused(house, "untrusted_signature", after=also_signed)


@pytest.mark.parametrize("weak", [{"method": "RSA_SHA1"}, {"digest": "SHA1"}, {"method": "HMAC_SHA256"}])
def test_weak_algorithms(house: SsoOrganization, weak: dict[str, str]) -> None:
    if "method" in weak and weak["method"].startswith("HMAC"):
        uri = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
        refused(house, "weak_algorithm", after=put(".//ds:SignatureMethod", "Algorithm", uri))
    else:
        refused(house, "weak_algorithm", **{name: getattr(xmlsec.Transform, value) for name, value in weak.items()})


def test_every_pinned_certificate_is_good_while_they_roll_over(world: World) -> None:
    house = with_sso(world)
    following = key_pair()
    wanted = {
        "idp_entity_id": house.provider.entity_id,
        "idp_sso_url": house.provider.sso_url,
        "idp_certificates": [house.provider.certificate, following[1]],
        "domains": [house.domain],
    }
    assert house.owner.put("/v1/saml/connection", wanted).status == 200
    email = f"ada@{house.domain}"
    assert house.log_in(email).status == house.log_in(email, keys=following).status == 200
    wanted["idp_certificates"] = [following[1]]
    assert house.owner.put("/v1/saml/connection", wanted).status == 200
    assert house.log_in(email, keys=following).status == 200
    refused(house, "untrusted_signature", email=email)


def test_a_certificate_that_has_expired_since_is_named_as_the_cause(world: World) -> None:
    house, expired = with_sso(world), key_pair(expired=True)
    der = base64.b64encode(load_pem_x509_certificate(expired[1].encode()).public_bytes(Encoding.DER)).decode()
    with transactions.transaction(house.owner.caller) as session:
        session.execute(update(SamlConnection).values(certificates=[der]))
    refused(house, "certificates_expired", keys=expired)
    refused(house, "certificates_expired")


# --- changed after it was signed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [".//saml:NameID", ".//saml:Audience", "./saml:Assertion/saml:Issuer"])
def test_a_changed_text(house: SsoOrganization, path: str) -> None:
    refused(house, "untrusted_signature", after=write(path, "changed"))


@pytest.mark.parametrize("target", ["NameID", "Response", "Assertion"])
def test_a_comment_anywhere(house: SsoOrganization, target: str) -> None:
    """`eve@acme.test<!---->.evil.test`: canonicalization drops the comment, and many a reader stops at it (CVE-2017-11427 and others)."""

    def comment(root: Any) -> None:
        if target == "NameID":
            element = of(root, ".//saml:NameID")
            name = element.text
            element.text = name[:4]
            element.insert(0, etree.Comment("x"))
            element[0].tail = name[4:]
        else:
            (root if target == "Response" else assertion(root)).append(etree.Comment("x"))

    refused(house, "unsafe_xml", after=comment)
    refused(house, "unsafe_xml", before=comment)


def forged(root: Any) -> Any:
    """A copy of the assertion that names somebody else, without a signature."""
    made = copy.deepcopy(assertion(root))
    for signature in made.findall("ds:Signature", NS):
        made.remove(signature)
    of(made, ".//saml:NameID").text = "admin@acme.test"
    made.set("ID", f"_{EVIL}")
    return made


def xsw1(root: Any) -> None:
    """The signed response moves into the signature of a forged one."""
    original = copy.deepcopy(root)
    signature = of(root, "./ds:Signature")
    original.remove(of(original, "./ds:Signature"))
    root.set("ID", f"_{EVIL}")
    of(root, ".//saml:NameID").text = "admin@acme.test"
    signature.append(original)


def xsw2(root: Any) -> None:
    """The signed response stands before the signature of a forged one."""
    original = copy.deepcopy(root)
    original.remove(of(original, "./ds:Signature"))
    root.set("ID", f"_{EVIL}")
    of(root, ".//saml:NameID").text = "admin@acme.test"
    of(root, "./ds:Signature").addprevious(original)


def xsw3(root: Any) -> None:
    """A forged assertion before the signed one."""
    assertion(root).addprevious(forged(root))


def xsw4(root: Any) -> None:
    """The signed assertion inside a forged one."""
    original, made = assertion(root), forged(root)
    root.replace(original, made)
    made.append(original)


def xsw5(root: Any) -> None:
    """The signature stays with the forged assertion, which has moved the original out."""
    original = copy.deepcopy(assertion(root))
    original.remove(of(original, "ds:Signature"))
    assertion(root).set("ID", f"_{EVIL}")
    of(root, ".//saml:NameID").text = "admin@acme.test"
    root.append(original)


def xsw6(root: Any) -> None:
    """The original inside the signature of the forged one."""
    original = copy.deepcopy(assertion(root))
    original.remove(of(original, "ds:Signature"))
    assertion(root).set("ID", f"_{EVIL}")
    of(root, ".//saml:NameID").text = "admin@acme.test"
    of(root, ".//ds:Signature").append(original)


def xsw7(root: Any) -> None:
    """A forged assertion inside Extensions, which take anything."""
    extensions = etree.Element(f"{{{NS['samlp']}}}Extensions")
    extensions.append(forged(root))
    assertion(root).addprevious(extensions)


def xsw8(root: Any) -> None:
    """The original inside an Object of the forged one's signature."""
    original = copy.deepcopy(assertion(root))
    original.remove(of(original, "ds:Signature"))
    assertion(root).set("ID", f"_{EVIL}")
    of(root, ".//saml:NameID").text = "admin@acme.test"
    etree.SubElement(of(root, ".//ds:Signature"), f"{{{NS['ds']}}}Object").append(original)


def same_id(root: Any) -> None:
    """The forged assertion has the signed one's ID, and comes first."""
    made = forged(root)
    made.set("ID", assertion(root).get("ID"))
    assertion(root).addprevious(made)


def id_twice(root: Any) -> None:
    """Only one assertion, and another element with its ID."""
    status = of(root, "./samlp:Status")
    status.set("ID", assertion(root).get("ID"))


def object_in_signature(root: Any) -> None:
    etree.SubElement(of(root, ".//ds:Signature"), f"{{{NS['ds']}}}Object")


def moved_signature(root: Any) -> None:
    """The assertion's signature stands in the response, and still refers to the assertion."""
    root.insert(1, of(root, ".//ds:Signature"))


def empty_reference(root: Any) -> None:
    of(root, ".//ds:Reference").set("URI", "")


def two_references(root: Any) -> None:
    reference = of(root, ".//ds:Reference")
    reference.addnext(copy.deepcopy(reference))


def other_transform(algorithm: str) -> Twist:
    def twist(root: Any) -> None:
        etree.SubElement(of(root, ".//ds:Transforms"), f"{{{NS['ds']}}}Transform", Algorithm=algorithm)

    return twist


WITH_COMMENTS = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
WRAPPED: dict[str, tuple[Twist, str, str]] = {
    "XSW1": (xsw1, "response", "not_one_assertion"),
    "XSW2": (xsw2, "response", "not_one_assertion"),
    "XSW3": (xsw3, "assertion", "not_one_assertion"),
    "XSW4": (xsw4, "assertion", "not_one_assertion"),
    "XSW5": (xsw5, "assertion", "not_one_assertion"),
    "XSW6": (xsw6, "assertion", "not_one_assertion"),
    "XSW7": (xsw7, "assertion", "not_one_assertion"),
    "XSW8": (xsw8, "assertion", "not_one_assertion"),
    "the same ID": (same_id, "assertion", "not_one_assertion"),
    "an ID twice": (id_twice, "assertion", "unusual_signature"),
    "an Object": (object_in_signature, "assertion", "unusual_signature"),
    "a signature that moved": (moved_signature, "assertion", "unusual_signature"),
    "a reference to everything": (empty_reference, "assertion", "unusual_signature"),
    "two references": (two_references, "assertion", "unusual_signature"),
    "XSLT": (other_transform("http://www.w3.org/TR/1999/REC-xslt-19991116"), "assertion", "unusual_signature"),
    "XPath": (other_transform("http://www.w3.org/TR/1999/REC-xpath-19991116"), "assertion", "unusual_signature"),
    "base64": (other_transform("http://www.w3.org/2000/09/xmldsig#base64"), "assertion", "unusual_signature"),
    "comments that count": (put(".//ds:CanonicalizationMethod", "Algorithm", WITH_COMMENTS), "assertion", "unusual_signature"),
}  # fmt: skip


@pytest.mark.parametrize("wrapped", WRAPPED)
def test_a_wrapped_signature(house: SsoOrganization, wrapped: str) -> None:
    twist, signs, code = WRAPPED[wrapped]
    refused(house, code, after=twist, signs=signs)


@pytest.mark.parametrize("name", WRAPPED)
def test_the_wrappings_deceive_nobody_who_reads_only_what_was_signed(house: SsoOrganization, name: str) -> None:
    """Without the narrow form before it: what the verified signature returns still names whom the provider named."""
    from parley.kernel.values.errors import Refusal
    from parley.saml.saml_messages import safe_xml, saml_certificates, xml_signatures

    twist, signs, _ = WRAPPED[name]
    authn_request = house.begin(house.browser())
    email = f"honest@{house.domain}"
    root = safe_xml.read(house.provider.respond(authn_request, email, after=twist, signs=signs))
    trusted = [saml_certificates.opened(saml_certificates.read(house.provider.certificate))]
    holders = [root, *root.iter(f"{{{NS['saml']}}}Assertion")]
    for holder in holders:
        try:
            signed = xml_signatures._verified(root, holder, trusted)
        except (Refusal, KeyError):
            continue
        assert {name_id.text for name_id in signed.iter(f"{{{NS['saml']}}}NameID")} == {email}


def test_an_encrypted_assertion_is_refused_in_words(house: SsoOrganization) -> None:
    def encrypt(root: Any) -> None:
        assertion(root).tag = f"{{{NS['saml']}}}EncryptedAssertion"

    refused(house, "encrypted_assertion", after=encrypt)


# --- when and by whom it is brought ----------------------------------------------------------------------------------------------------


def test_replayed_by_the_same_browser(house: SsoOrganization) -> None:
    browser = house.browser()
    authn_request = house.begin(browser)
    document = house.provider.respond(authn_request, f"ada@{house.domain}")
    assert house.post(browser, document, authn_request.relay_state).status == 200
    again = house.post(browser, document, authn_request.relay_state)
    assert (again.status, again.body["code"]) == (403, "unknown_request")


def test_replayed_for_another_request(house: SsoOrganization) -> None:
    browser = house.browser()
    authn_request = house.begin(browser)
    document = house.provider.respond(authn_request, f"ada@{house.domain}")
    assert house.post(browser, document, authn_request.relay_state).status == 200
    later = house.begin(browser)
    assert house.post(browser, document, later.relay_state).body["code"] == "unknown_request"


def test_brought_by_a_browser_that_did_not_begin(house: SsoOrganization) -> None:
    """An attacker's own answer, sent to a victim: the victim would work in the attacker's account."""
    authn_request = house.begin(house.browser())
    document = house.provider.respond(authn_request, f"ada@{house.domain}")
    victim = house.browser()
    assert house.post(victim, document, authn_request.relay_state).body["code"] == "unknown_request"
    house.begin(victim)
    assert house.post(victim, document, authn_request.relay_state).body["code"] == "unknown_request"


@pytest.mark.parametrize("relay_state", [None, "", "x", "00000000-0000-0000-0000-000000000000", "01a1fc81-2d36-70c3-82e7-a0499576c7a2"])
def test_a_relay_state_that_names_nothing(house: SsoOrganization, relay_state: str | None) -> None:
    browser = house.browser()
    authn_request = house.begin(browser)
    document = house.provider.respond(authn_request, f"ada@{house.domain}")
    assert house.post(browser, document, relay_state).body["code"] == "unknown_request"


def test_one_of_two_tabs_answers_the_other_ones_request(house: SsoOrganization) -> None:
    browser = house.browser()
    first, second = house.begin(browser), house.begin(browser)
    document = house.provider.respond(first, f"ada@{house.domain}")
    assert house.post(browser, document, second.relay_state).body["code"] == "unknown_request"
    assert house.post(browser, document, first.relay_state).status == 200
    other = house.provider.respond(second, f"ada@{house.domain}")
    assert house.post(browser, other, second.relay_state).status == 200


def test_eight_posts_of_one_answer_at_once_open_one_session(house: SsoOrganization) -> None:
    browser = house.browser()
    authn_request = house.begin(browser)
    email = f"parallel-{new_id().hex[-8:]}@{house.domain}"
    document = house.provider.respond(authn_request, email)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: house.post(browser, document, authn_request.relay_state), range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [403] * 7
    [user] = house.owner.rows(select(User).where(User.email == email))
    assert len(house.owner.rows(select(UserSession).where(UserSession.user_id == user.id))) == 1


def test_too_late(house: SsoOrganization) -> None:
    from sqlalchemy import update

    from parley.kernel.persistence import transactions
    from parley.kernel.values.clock import now
    from parley.saml.models import SamlRequest

    browser = house.browser()
    authn_request = house.begin(browser)
    with transactions.transaction(house.owner.caller) as session:
        session.execute(update(SamlRequest).values(expires_at=now() - timedelta(seconds=1)))
    document = house.provider.respond(authn_request, f"ada@{house.domain}")
    assert house.post(browser, document, authn_request.relay_state).body["code"] == "unknown_request"


def test_another_organizations_door(world: World, house: SsoOrganization) -> None:
    other = with_sso(world, provider=house.provider)  # the same provider speaks for both
    browser = house.browser()
    house.provider.sp_metadata = None
    authn_request = house.begin(browser)
    document = house.provider.respond(authn_request, f"ada@{house.domain}")
    answer = house.post(browser, document, authn_request.relay_state, path=other.path)
    assert (answer.status, answer.body["code"]) == (403, "wrong_recipient")


# --- where the identity provider begins ------------------------------------------------------------------------------------------------


def unsolicited(root: Any) -> None:
    put(".", "InResponseTo", None)(root)
    put(CONFIRMATION, "InResponseTo", None)(root)


def test_a_log_in_that_the_provider_begins_is_refused_unless_it_is_allowed_and_is_good_once(world: World, house: SsoOrganization) -> None:
    refused(house, "unknown_request", before=unsolicited)

    open_house = with_sso(world, is_idp_initiated_allowed=True)
    authn_request = open_house.begin(open_house.browser())
    document = open_house.provider.respond(authn_request, f"ada@{open_house.domain}", before=unsolicited)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: open_house.post(open_house.browser(), document, "/welcome"), range(4)))
    statuses = sorted(answer.status for answer in answers)
    assert statuses[0] == 303 and set(statuses[1:]) <= {403, 409}  # who is made at the same time is told to try again
    assert len(open_house.owner.rows(select(SamlAssertion))) == 1
    assert open_house.post(open_house.browser(), document, None).body["code"] == "assertion_replayed"
    fresh = open_house.provider.respond(authn_request, f"ada@{open_house.domain}", before=unsolicited)
    elsewhere = open_house.post(open_house.browser(), fresh, "https://evil.example/")
    assert elsewhere.status == 200  # where it began is no path of ours, so nobody is sent there
    answered = open_house.provider.respond(authn_request, f"ada@{open_house.domain}")
    assert open_house.post(open_house.browser(), answered, None).body["code"] == "unknown_request"


# --- what is no response at all --------------------------------------------------------------------------------------------------------

LAUGHS = [b'<!ENTITY %c "%s">' % (98 + turn, b"&%c;" % (97 + turn) * 10) for turn in range(8)]
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(LAUGHS) + b"]><x>&i;</x>"
NOT_A_RESPONSE: dict[str, bytes] = {
    "nothing": b"",
    "no XML": b"hello",
    "an entity bomb": BOMB,
    "an external entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    "an external DTD": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>',
    "a parameter entity": b'<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:1/"> %a;]><x/>',
    "a DTD in another encoding": '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'.encode("utf-16"),
    "a DTD in UTF-7": b'<?xml version="1.0" encoding="utf-7"?>+ADw-!DOCTYPE x+AD4-<x/>',
    "an undefined entity": b"<x>&nbsp;</x>",
    "a depth without end": b"<a>" * 200 + b"</a>" * 200,
    "a depth that libxml2 refuses": b"<a>" * 30_000 + b"</a>" * 30_000,
    "elements without end": b"<a>" + b"<b/>" * 6000 + b"</a>",
    "a processing instruction": b"<a><?php x?></a>",
    "a style sheet": b'<?xml-stylesheet href="x"?><a/>',
    "another root": b'<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>',
    "too many bytes": b"<a>" + b" " * 256 * 1024 + b"</a>",
}


@pytest.mark.parametrize("name", NOT_A_RESPONSE)
def test_what_is_no_response(house: SsoOrganization, name: str) -> None:
    browser = house.browser()
    authn_request = house.begin(browser)
    answer = house.post(browser, NOT_A_RESPONSE[name], authn_request.relay_state)
    assert answer.status in (400, 403), answer.raw
    assert answer.body["code"] in ("unsafe_xml", "malformed_response", "not_one_assertion")


@pytest.mark.parametrize("form", [{}, {"SAMLResponse": ""}, {"SAMLResponse": "%%%"}, {"SAMLResponse": "a" * 400_000}, {"RelayState": "x"}])
def test_what_is_no_form_of_the_binding(house: SsoOrganization, form: dict[str, str]) -> None:
    answer = house.browser().request("POST", f"{house.path}/acs", form)
    assert answer.status in (400, 403, 404), answer.body


def test_a_field_twice(house: SsoOrganization) -> None:
    from local.http_api import Request

    encoded = base64.b64encode(b"<x/>").decode()
    body = f"SAMLResponse={encoded}&SAMLResponse={encoded}".encode()
    headers = (("content-type", "application/x-www-form-urlencoded"),)
    assert house.world.gateway.handle(Request("POST", f"{house.path}/acs", headers, body)).status == 400


def test_the_trail_says_why_and_not_who(house: SsoOrganization) -> None:
    refused(house, "untrusted_signature", keys=key_pair())
    rows = house.owner.rows(select(AuditLog).where(AuditLog.action == "user.login_failed").order_by(AuditLog.id.desc()).limit(1))
    assert [row.details for row in rows] == [{"because": "untrusted_signature", "by": "saml"}]


def test_what_nobody_asked_for_leaves_no_trail(house: SsoOrganization) -> None:
    before = len(house.owner.rows(select(AuditLog)))
    assert house.post(house.browser(), b"<x/>", str(new_id())).status == 403
    assert len(house.owner.rows(select(AuditLog))) == before
