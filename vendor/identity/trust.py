"""Read `policies/trust.toml`, or say on which lines it is wrong.

Nothing of a file with a mistake in it takes effect.  Beyond the shape, this checks what would let two identities meet
by accident: every name space has one owner unless an entry says that it joins another's.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from vendor.identity.names_owned import NameSpaces, roots_of
from vendor.identity.toml_lines import Place, line_of, lines_of
from vendor.identity.trust_shape import Issuer, KBase, Rule, Source, TrustFile
from vendor.identity.urls import problem_with_url

MAX_FILE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Complaint:
    """One mistake in a trust file."""

    line: int
    where: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.where}: {self.text}" if self.where else f"line {self.line}: {self.text}"


class TrustError(Exception):
    """The trust file cannot be used; `complaints` says why, line by line."""

    def __init__(self, file: Path, complaints: tuple[Complaint, ...]) -> None:
        self.file = file
        self.complaints = complaints
        super().__init__("\n".join(f"{file.name}, {complaint}" for complaint in complaints))


@dataclass(frozen=True, slots=True)
class Trust:
    """A checked trust file."""

    issuers: tuple[Issuer, ...] = ()
    kbase: KBase | None = None
    folder: Path = field(default_factory=Path)
    """Where relative file names in it start."""

    @property
    def sources(self) -> tuple[Issuer | KBase, ...]:
        """All entries."""
        return (*self.issuers, *((self.kbase,) if self.kbase else ()))

    def name_spaces(self) -> NameSpaces:
        """Return who owns which names."""
        return NameSpaces.of(self.sources)


def load_trust(file: Path, *, own_issuer_url: str | None = None) -> Trust:
    """Read and check `file`.  Raises TrustError.  The gateway's own issuer can never be trusted as identity."""
    try:
        data = file.read_bytes()
    except OSError as problem:
        raise TrustError(file, (Complaint(1, "", f"cannot be read: {problem.strerror}"),)) from None
    if len(data) > MAX_FILE_BYTES:
        raise TrustError(file, (Complaint(1, "", f"is larger than {MAX_FILE_BYTES} bytes"),))
    try:
        text = data.decode("utf-8")
        document = tomllib.loads(text)
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise TrustError(file, (Complaint(line, "", "is not UTF-8"),)) from None
    except tomllib.TOMLDecodeError as problem:
        raise TrustError(file, (_syntax_complaint(str(problem), text),)) from None
    lines = lines_of(text)
    shape = _shaped(file, document, lines)
    found = tuple(_complaint(lines, place, said) for place, said in _mistakes(shape, own_issuer_url))
    if found:
        raise TrustError(file, found)
    return Trust(shape.issuers, shape.kbase[0] if shape.kbase else None, file.parent)


def _shaped(file: Path, document: Mapping[str, object], lines: Mapping[Place, int]) -> TrustFile:
    try:
        return TrustFile.model_validate(_frozen(document))
    except ValidationError as problem:
        said: dict[Place, list[str]] = {}
        for error in problem.errors(include_url=False, include_input=False, include_context=False):
            said.setdefault(_in_file(error["loc"], lines), []).append(_said(error["type"], error["msg"]))
    for place in list(said):  # what is wrong with a part needs no complaint about the whole
        if any(other[: len(place)] == place and other != place for other in said):
            del said[place]
    found = [_complaint(lines, place, ", or ".join(dict.fromkeys(texts))) for place, texts in said.items()]
    raise TrustError(file, tuple(sorted(found, key=lambda complaint: complaint.line)))


def _frozen(value: object) -> object:
    """Return the document with tuples for its lists, which is what the strict classes take."""
    if isinstance(value, Mapping):
        return {name: _frozen(item) for name, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _in_file(location: tuple[str | int, ...], lines: Mapping[Place, int]) -> Place:
    """Cut off what pydantic adds for the branches of a union, but keep the name of a missing key."""
    place: Place = ()
    for step in location:
        if (*place, step) not in lines:
            return (*place, step) if isinstance(step, str) and step.isidentifier() else place
        place = (*place, step)
    return place


def _said(kind: str, message: str) -> str:
    plain = {"missing": "is required", "extra_forbidden": "is not a known key"}.get(kind)
    return plain or message.removeprefix("Value error, ").replace("tuple", "list").replace("Tuple", "List")


def _complaint(lines: Mapping[Place, int], place: Place, text: str) -> Complaint:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    return Complaint(line_of(lines, place), where, text)


def _syntax_complaint(message: str, text: str) -> Complaint:
    said, _, where = message.rpartition(" (at ")
    digits = "".join(character for character in where.partition(",")[0] if character.isdigit())
    return Complaint(int(digits) if digits else text.count("\n") + 1, "", said or message)


Mistake = tuple[Place, str]


def _mistakes(shape: TrustFile, own_issuer_url: str | None) -> Iterator[Mistake]:
    for position, issuer in enumerate(shape.issuers):
        for place, text in _issuer_mistakes(issuer, own_issuer_url):
            yield ("issuer", position, *place), text
    for position, kbase in enumerate(shape.kbase):
        if problem := problem_with_url(kbase.url, allow_http=kbase.allow_http):
            yield ("kbase", position, "url"), problem
    yield from _shared_mistakes(shape)


def _issuer_mistakes(issuer: Issuer, own_issuer_url: str | None) -> Iterator[Mistake]:
    if own_issuer_url is not None and issuer.url.rstrip("/") == own_issuer_url.rstrip("/"):
        yield ("url",), "is this gateway's own issuer, whose tokens are for stores and never identity"
    for name, url in (("url", issuer.url), ("jwks_uri", issuer.jwks_uri)):
        if url is not None and (problem := problem_with_url(url, allow_http=issuer.allow_http)):
            yield (name,), problem
    yield from _key_source_mistakes(issuer)
    yield from _token_mistakes(issuer)
    seen: set[str] = set()
    for position, rule in enumerate(issuer.rules):
        if rule.name in seen:
            yield ("rule", position, "name"), "is used by an earlier rule of this issuer"
        seen.add(rule.name)
        for place, text in _rule_mistakes(rule):
            yield ("rule", position, *place), text


def _key_source_mistakes(issuer: Issuer) -> Iterator[Mistake]:
    if issuer.jwks_file is not None and (issuer.jwks_uri or issuer.bearer_file or issuer.jwks_hosts):
        yield ("jwks_file",), "takes the keys from a file; jwks_uri, jwks_hosts and bearer_file have no meaning with it"
    if issuer.bearer_file is not None and problem_with_url(issuer.jwks_uri or issuer.url, allow_http=False):
        yield ("bearer_file",), "would be sent over http, for everyone on the way to read"
    if issuer.jwks_uri is not None and issuer.jwks_hosts:
        yield ("jwks_hosts",), "is for keys found through discovery; jwks_uri already says where they are"


def _token_mistakes(issuer: Issuer) -> Iterator[Mistake]:
    if "plain-access" in issuer.tokens and not issuer.require:
        yield ("tokens",), "plain-access needs `require`, to tell access tokens from the issuer's refresh and ID tokens"
    if issuer.clients is not None and issuer.any_client:
        yield ("any_client",), "contradicts `clients`"
    if {"access", "plain-access"}.intersection(issuer.tokens) and issuer.clients is None and not issuer.any_client:
        yield ("tokens",), "access tokens need `clients`, or `any_client = true` to accept those of every client"


def _rule_mistakes(rule: Rule) -> Iterator[Mistake]:
    if rule.as_ is not None and (rule.name_claim is not None or rule.name_pattern is not None):
        yield ("as",), "is a fixed name; name_claim and name_pattern have no meaning with it"
    if rule.joins is not None and rule.as_ is None:
        yield ("joins",), "on a rule is for a fixed name (`as`)"
    if rule.tenant is not None and rule.kind != "workload":
        yield ("tenant",), 'is for workloads: kind = "workload"'
    if rule.tenant is not None and rule.home:
        yield ("home",), "contradicts `tenant`: who acts for a tenant has only what the tenant has"
    if rule.tenant is not None and rule.may_act_for:
        yield ("may_act_for",), "contradicts `tenant`: who acts for a tenant acts for nobody else; see `scope`"
    if rule.tenant is None and "access" in rule.model_fields_set:
        yield ("access",), "has no meaning without `tenant`"


def _shared_mistakes(shape: TrustFile) -> Iterator[Mistake]:
    placed: list[tuple[Place, Source]] = [(("issuer", at), issuer) for at, issuer in enumerate(shape.issuers)]
    placed += [(("kbase", at), kbase) for at, kbase in enumerate(shape.kbase)]
    names: set[str] = set()
    urls: set[tuple[str, str]] = set()
    for place, source in placed:
        if source.name in names:
            yield (*place, "name"), "is used by an earlier entry"
        names.add(source.name)
        if isinstance(source, Issuer):
            if (source.url, source.mode) in urls:
                yield (*place, "url"), f"is used by an earlier entry in mode {source.mode}"
            urls.add((source.url, source.mode))
    yield from _name_space_mistakes(placed)
    yield from _fixed_name_mistakes(shape)
    yield from _acting_mistakes(shape)


def _name_space_mistakes(placed: list[tuple[Place, Source]]) -> Iterator[Mistake]:
    """Every prefix has one owner, entries that join it aside.  Entries in audit mode admit nobody and own nothing."""
    known = {source.name: source for _, source in placed}
    owners: dict[str, Source] = {}
    for place, source in placed:
        if source.joins is not None:
            joined = known.get(source.joins)
            if joined is None or joined is source:
                yield (*place, "joins"), "names no other entry"
            elif joined.prefix != source.prefix or joined.joins is not None or joined.mode != "enforce":
                yield (*place, "joins"), "must name an enforced entry with the same prefix that joins no other"
        elif source.mode == "enforce" and (owner := owners.setdefault(source.prefix, source)) is not source:
            yield (*place, "prefix"), f"is {owner.name}'s: one name would be one principal; set `prefix` or `joins`"
    for place, source in placed:
        for other in filter(None, owners):
            if other != source.prefix and source.prefix.startswith(other):
                yield (*place, "prefix"), f"starts with the prefix {other} of {owners[other].name}"


def _acting_mistakes(shape: TrustFile) -> Iterator[Mistake]:
    known = {source.name for source in (*shape.issuers, *shape.kbase)}
    for at, issuer in enumerate(shape.issuers):
        for number, rule in enumerate(issuer.rules):
            for position, name in enumerate(rule.may_act_for):
                if name not in known:
                    yield ("issuer", at, "rule", number, "may_act_for", position), "names no entry"


def _fixed_name_mistakes(shape: TrustFile) -> Iterator[Mistake]:
    roots = roots_of((*shape.issuers, *shape.kbase))
    owners: dict[str, str] = {}
    for at, issuer in enumerate(shape.issuers):
        for number, rule in enumerate(issuer.rules):
            place: Place = ("issuer", at, "rule", number)
            if rule.joins is not None and rule.joins not in roots:
                yield (*place, "joins"), "names no entry"
            elif rule.as_ is not None and issuer.mode == rule.mode == "enforce":
                root = roots[rule.joins or issuer.name]
                if (owner := owners.setdefault(rule.as_, root)) != root:
                    yield (*place, "as"), f"is a principal of {owner} already; say `joins` if it is the same one"
