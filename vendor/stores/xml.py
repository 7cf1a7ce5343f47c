"""STS answers, read strictly: by element name, without entities, and never echoed.

Stores differ in the order of elements and in what they leave out, so nothing but the four members of the credentials
is required (AWS STS API reference, `Credentials`).
"""

import re
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from vendor.errors import StoreRefused
from vendor.secret import SecretKey, SessionToken
from vendor.stores.credentials import Credentials

_ACCESS_KEY: Final = re.compile(r"[A-Za-z0-9_]{8,128}", re.ASCII)
_HEADER_SAFE: Final = re.compile(r"[\x21-\x7e]{8,16384}", re.ASCII)
_CODE: Final = re.compile(r"[A-Za-z0-9.]{1,64}", re.ASCII)


def parse_credentials(body: bytes) -> Credentials:
    """Return the credentials in a successful answer.  Raises StoreRefused if any part is missing or malformed."""
    root = _parse(body)
    found = None if root is None else _find(root, "Credentials")
    if found is None:
        raise StoreRefused("The store's answer holds no credentials.")
    access_key, secret, session, expiration = (
        _text(found, name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    )
    if not (_ACCESS_KEY.fullmatch(access_key) and _HEADER_SAFE.fullmatch(secret) and _HEADER_SAFE.fullmatch(session)):
        raise StoreRefused("The store's answer holds malformed credentials.")
    return Credentials(access_key, SecretKey(secret), SessionToken(session), _moment(expiration))


def parse_error_code(body: bytes) -> str:
    """Return the error code of a refusal, in STS's or in S3's form; `unreadable` if there is none."""
    root = _parse(body)
    code = None if root is None else _find(root, "Code")
    text = "" if code is None else (code.text or "").strip()
    return text if _CODE.fullmatch(text) else "unreadable"


def parse_keys(body: bytes) -> list[str] | None:
    """Return the object keys in a listing, of objects, versions or uploads alike; None for what is not XML."""
    root = _parse(body)
    return None if root is None else [element.text or "" for element in root.iter() if _local(element) == "Key"]


def parse_text(body: bytes, name: str) -> str:
    """Return the text of the first element of this name; empty where there is none."""
    root = _parse(body)
    found = None if root is None else _find(root, name)
    return "" if found is None else (found.text or "").strip()


def parse_members(body: bytes) -> list[dict[str, str]]:
    """Return the entries of an IAM list, each as the texts of its parts by name.  Raises StoreRefused for no XML."""
    root = _parse(body)
    if root is None:
        raise StoreRefused("The store's answer is not XML.")
    members = (element for element in root.iter() if _local(element) == "member")
    return [{_local(part): (part.text or "").strip() for part in member} for member in members]


def _parse(body: bytes) -> Element | None:
    try:
        return fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None


def _find(root: Element, name: str) -> Element | None:
    return next((element for element in root.iter() if _local(element) == name), None)


def _text(parent: Element, name: str) -> str:
    texts = [(child.text or "").strip() for child in parent if _local(child) == name]
    return texts[0] if len(texts) == 1 else ""


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise StoreRefused("The store's answer does not say when its keys expire.") from None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
