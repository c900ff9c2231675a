"""Content credentials (C2PA): who made a picture, signed, in its file.

Signed bytes break when one changes; but one re-save by a program that knows no credentials leaves nothing of them.
"""

import datetime
import importlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from aigc_course.errors import CourseError, whole_number
from aigc_course.files import write_whole

__all__ = ["GENERATED", "Authority", "Credential", "make_authority", "read", "sign"]

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"  # IPTC: made by a trained model


class Authority(NamedTuple):
    """Who vouches, in PEM bytes: the root that readers must trust; chain, the signer's and the root's; the key."""

    root: bytes
    chain: bytes
    key: bytes


class Credential(NamedTuple):
    """What a picture's credential says.

    Attributes:
        state: "none"; "valid" (whole, from a signer that nobody here vouches for); "trusted" (whole, signer vouched
            for); "tampered" (changed after signing).
        problems: tuple of the validator's codes, such as "assertion.dataHash.mismatch"; "signingCredential.untrusted"
            is one of a valid credential.
        signer: str, from the certificate; "" without one.
        source: str, the digital source type that the signer claims; "" without one.
    """

    state: str
    problems: tuple = ()
    signer: str = ""
    source: str = ""


def make_authority(name="AIGC course", days=30):
    """A root of one's own and a signer's certificate under it, on the curve P-256, for exercises.

    Readers trust what they choose to: nobody trusts this root until told. C2PA refuses a certificate that signs itself.

    Args:
        name: str, the signer's organisation.
        days: int, how long both are valid.

    Returns:
        `Authority`.

    Raises:
        CourseError: the package cryptography is missing.
    """
    if not isinstance(name, str) or not name.strip():
        raise CourseError(f"name must be a text; received {name!r}. It stands in the certificate.")
    days = whole_number(days, "days", 1, 3650)
    serialization, x509 = _need("cryptography.hazmat.primitives.serialization"), _need("cryptography.x509")
    ec = _need("cryptography.hazmat.primitives.asymmetric.ec")
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    root = _certificate(x509, f"{name} root", None, keys[0], keys[0], days)
    leaf = _certificate(x509, name, root, keys[1], keys[0], days)
    encoding = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    both = [one.public_bytes(encoding) for one in (leaf, root)]
    return Authority(both[1], b"".join(both), keys[1].private_bytes(encoding, *plain))


def _certificate(x509, name, issuer, own_key, signing_key, days):
    """A certificate in the form that C2PA asks for; without an issuer a root."""
    from cryptography.hazmat.primitives import hashes

    oid, now = x509.oid.NameOID, datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(oid.ORGANIZATION_NAME, name), x509.NameAttribute(oid.COMMON_NAME, name)])
    is_root, parent = issuer is None, subject if issuer is None else issuer.subject
    uses = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    signs = {"digital_signature": not is_root, "key_cert_sign": is_root, "crl_sign": is_root}
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(parent)
        .public_key(own_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=0 if is_root else None), critical=True)
        .add_extension(x509.KeyUsage(**uses, **signs, encipher_only=False, decipher_only=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own_key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
    )
    if not is_root:  # C2PA's certificate profile wants a purpose: e-mail protection is the one that any tool can give
        purpose = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purpose, critical=False)
    return builder.sign(signing_key, hashes.SHA256())


def sign(path_in, path_out, authority, title="picture", source=GENERATED):
    """Writes a picture with a credential: who made it, by what kind of tool, and a hash of the file's other bytes.

    Args:
        path_in, path_out: paths of PNG or JPEG files, not the same.
        authority: `Authority`.
        title: str.
        source: str, an IPTC digital source type.

    Raises:
        CourseError: no such file, one and the same file, or c2pa-python is missing or refuses.
    """
    path_in, path_out = _two_files(path_in, path_out)
    c2pa = _need("c2pa")
    created = {"action": "c2pa.created", "digitalSourceType": source}
    manifest = {
        "claim_generator_info": [{"name": "aigc_course"}],
        "title": title,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }
    settings = {"builder": {"thumbnail": {"enabled": False}}}  # with it 38 kB became 343
    try:
        info = c2pa.C2paSignerInfo(b"es256", authority.chain, authority.key, None)
        with (
            c2pa.Context.from_dict(settings) as context,
            c2pa.Signer.from_info(info) as signer,
            c2pa.Builder(manifest, context=context) as builder,
        ):
            write_whole(path_out, lambda part: _sign_into(builder, signer, path_in, part))
    except c2pa.C2paError as error:
        raise CourseError(f"the credential was refused: {error}. See that the certificates are valid today.") from error


def _sign_into(builder, signer, path_in, part):
    with open(path_in, "rb") as before, open(part, "w+b") as after:
        builder.sign(signer, _mime(path_in), before, after)


def read(path, root=None):
    """What a picture's credential says, and whether to believe it.

    Args:
        path: of a PNG or JPEG file.
        root: bytes, PEM of the certificates that you trust; None: the library's own choice, none of ours.

    Returns:
        `Credential`.

    Raises:
        CourseError: no such file, or c2pa-python is missing.
    """
    path, c2pa = _file(path), _need("c2pa")
    trust = {} if root is None else {"trust": {"trust_anchors": root.decode("ascii")}, "verify": {"verify_trust": True}}
    with c2pa.Context.from_dict(trust) as context:
        try:
            with open(path, "rb") as file, c2pa.Reader(_mime(path), file, context=context) as reader:
                told, state = json.loads(reader.json()), reader.get_validation_state()
        except c2pa.C2paError as error:
            if "ManifestNotFound" in str(error):
                return Credential("none")
            return Credential("tampered", (str(error).splitlines()[0],))
    manifest = told["manifests"][told["active_manifest"]]
    problems = tuple(dict.fromkeys(entry["code"] for entry in told.get("validation_status", ())))
    actions = [a for part in manifest.get("assertions", ()) for a in part.get("data", {}).get("actions", ())]
    source = next((a["digitalSourceType"] for a in actions if "digitalSourceType" in a), "")
    known = {"Trusted": "trusted", "Valid": "valid"}.get(state, "tampered")
    return Credential(known, problems, manifest.get("signature_info", {}).get("issuer", ""), source)


# --- shared -------------------------------------------------------------------------------------------------------


def _need(module):
    """A module of the extra `trust`, or CourseError."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = {"c2pa": "c2pa-python"}.get(module, "cryptography")
        raise CourseError(f"this needs {package}: pip install -e '.[trust]'.") from error


def _file(path):
    path = Path(path)
    if not path.is_file():
        raise CourseError(f"there is no file {path}. Check the path.")
    return path


def _two_files(path_in, path_out):
    path_in, path_out = _file(path_in), Path(path_out)
    if path_in.resolve() == path_out.resolve():
        raise CourseError(f"read and write different files; received {path_in} twice.")
    if _mime(path_in) != _mime(path_out):
        raise CourseError(f"both files must be of one format; received {path_in.name} and {path_out.name}.")
    return path_in, path_out


def _mime(path):
    kinds = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
    if Path(path).suffix.lower() not in kinds:
        raise CourseError(f"the file must end in .png or .jpg; received {os.fspath(path)}.")
    return kinds[Path(path).suffix.lower()]
