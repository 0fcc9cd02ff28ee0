"""Whether an identity provider has signed what it is said to have signed, and the part that it signed.

What comes back is the element that the verified digest was made over, parsed again from the signed bytes: whoever reads that reads nothing
that was moved, added or doubled around it (XML signature wrapping: Somorovsky et al., USENIX Security 2012). The form is narrowed before
that: one assertion, a signature only where SAML puts it, one reference to its own parent, two transforms. Keys come from the connection,
never from the message.
"""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import Certificate
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from parley.kernel.values.clock import now
from parley.kernel.values.errors import Forbidden
from parley.saml.saml_messages import safe_xml, saml_certificates
from parley.saml.saml_messages.saml_names import ASSERTION, ENVELOPED, EXCLUSIVE, PROTOCOL, SIGNATURE

RESPONSE_TAG, ASSERTION_TAG, SIGNATURE_TAG = f"{{{PROTOCOL}}}Response", f"{{{ASSERTION}}}Assertion", f"{{{SIGNATURE}}}Signature"
_ENCRYPTED = (f"{{{ASSERTION}}}EncryptedAssertion", f"{{{ASSERTION}}}EncryptedID", f"{{{ASSERTION}}}EncryptedAttribute")
_METHODS = frozenset(SignatureMethod[f"{kind}_SHA{bits}"] for kind in ("RSA", "ECDSA") for bits in (256, 384, 512))
_DIGESTS = frozenset(DigestAlgorithm[f"SHA{bits}"] for bits in (256, 384, 512))
_PLACES = {RESPONSE_TAG: "./", ASSERTION_TAG: f"./{ASSERTION_TAG}/"}
# What signxml raises for a signature that is wrong, or not even one: a KeyInfo that is no key, a value that is no base64.
_BROKEN = (
    SignXMLException,
    safe_xml.LxmlError,
    UnsupportedAlgorithm,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    NotImplementedError,
)
_IDS = ("ID", "Id", "id")


class NotOneAssertion(Forbidden):
    """There is none, there are several, or it lies where it does not belong."""


class EncryptedAssertion(Forbidden):
    """Something in it is encrypted."""


class Unsigned(Forbidden):
    """Neither the response nor the assertion is signed."""


class UnusualSignature(Forbidden):
    """A signature is not of the one form that SAML uses."""


class WeakAlgorithm(Forbidden):
    """Signed or digested with what is not safe any more."""


class CertificatesExpired(Forbidden):
    """No certificate of the connection is good any more."""


class UntrustedSignature(Forbidden):
    """No certificate of the connection has made the signature, or what was signed has changed."""


def signed_assertion(root: safe_xml.Element, pinned: list[str]) -> safe_xml.Element:
    """The one assertion of a response, as one of the pinned certificates has signed it: by itself, or with the whole response.

    Raises the refusals above.
    """
    assertion = _the_assertion(root)
    signatures = list(root.iter(SIGNATURE_TAG))
    if not signatures:
        raise Unsigned("Neither the response nor its assertion is signed.")
    holders = [signature.getparent() for signature in signatures]
    if any(holder is not root and holder is not assertion for holder in holders) or len({holder.tag for holder in holders}) != len(holders):
        raise UnusualSignature("A signature stands where SAML has none, or there are too many.")
    _distinct(root)
    for signature, holder in zip(signatures, holders, strict=True):
        _narrow(signature, holder)

    moment = now()
    trusted = [certificate for certificate in map(saml_certificates.opened, pinned) if certificate.not_valid_after_utc > moment]
    if not trusted:
        raise CertificatesExpired("The certificates of this connection have expired; ask your administrator to take the present one.")
    signed = {holder.tag: _verified(root, holder, trusted) for holder in holders}
    if ASSERTION_TAG in signed:
        return signed[ASSERTION_TAG]
    return _the_assertion(signed[RESPONSE_TAG])


def _the_assertion(root: safe_xml.Element) -> safe_xml.Element:
    if root.tag != RESPONSE_TAG:
        raise NotOneAssertion("The document is not a SAML response.")
    if next(root.iter(*_ENCRYPTED), None) is not None:
        raise EncryptedAssertion("The assertion is encrypted; tell your identity provider to sign it only.")
    assertions = list(root.iter(ASSERTION_TAG))
    if len(assertions) != 1 or assertions[0].getparent() is not root:
        raise NotOneAssertion("A response holds exactly one assertion, directly inside it.")
    return assertions[0]


def _distinct(root: safe_xml.Element) -> None:
    names = [value for element in root.iter() for name, value in element.attrib.items() if name.rpartition("}")[2] in _IDS]
    if len(names) != len(set(names)):
        raise UnusualSignature("Two elements have the same ID.")


def _narrow(signature: safe_xml.Element, holder: safe_xml.Element) -> None:
    """Refuse all but a SignedInfo with one reference to the holder, enveloped and canonicalised exclusively, with safe algorithms."""

    def of(parent: safe_xml.Element, name: str) -> list[safe_xml.Element]:
        return list(safe_xml.children(parent, f"{{{SIGNATURE}}}{name}"))

    infos = of(signature, "SignedInfo")
    references = [element for info in infos for element in of(info, "Reference")]
    if len(infos) != 1 or len(references) != 1 or of(signature, "Object"):
        raise UnusualSignature("A signature must have one SignedInfo with one Reference, and no Object.")
    [info], [reference] = infos, references
    if not holder.get("ID") or reference.get("URI") != f"#{holder.get('ID')}":
        raise UnusualSignature("A signature must refer to the element that it stands in.")
    transforms = [transform.get("Algorithm") for listed in of(reference, "Transforms") for transform in of(listed, "Transform")]
    canonical = [method.get("Algorithm") for method in of(info, "CanonicalizationMethod")]
    if transforms != [ENVELOPED, EXCLUSIVE] or canonical != [EXCLUSIVE]:
        raise UnusualSignature("A signature must be enveloped and use exclusive canonicalization, without comments.")
    methods = [method.get("Algorithm") for method in of(info, "SignatureMethod")]
    digests = [method.get("Algorithm") for method in of(reference, "DigestMethod")]
    if len(methods) != 1 or len(digests) != 1 or methods[0] not in {algorithm.value for algorithm in _METHODS}:
        raise WeakAlgorithm("Sign with RSA or ECDSA and SHA-256 or longer.")
    if digests[0] not in {algorithm.value for algorithm in _DIGESTS}:
        raise WeakAlgorithm("Digest with SHA-256 or longer.")


def _verified(root: safe_xml.Element, holder: safe_xml.Element, trusted: list[Certificate]) -> safe_xml.Element:
    wanted = SignatureConfiguration(
        location=_PLACES[holder.tag], expect_references=1, signature_methods=_METHODS, digest_algorithms=_DIGESTS
    )
    for certificate in trusted:
        try:
            result = XMLVerifier().verify(root, x509_cert=certificate, parser=safe_xml.parser(), id_attribute="ID", expect_config=wanted)
        except _BROKEN:
            continue  # another certificate may have made it
        assert isinstance(result, VerifyResult)  # one reference was asked for
        signed = result.signed_xml
        if signed is None or signed.tag != holder.tag or signed.get("ID") != holder.get("ID"):
            raise UntrustedSignature("What was signed is not what the response says.")
        return signed
    raise UntrustedSignature("The signature was made by no certificate of this connection, or what was signed has changed.")
