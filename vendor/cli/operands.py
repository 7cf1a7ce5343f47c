"""Which words of an `mc` or `rclone` command line are places in a store, and what is done there: read or write.

A table says it verb by verb.  Not every flag is known, since both tools have many and gain more; where a word could be
the value of a flag, that is weighed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from vendor.client.answers import Access
from vendor.client.errors import BadInput


@dataclass(frozen=True, slots=True)
class Verb:
    """What a verb does at its operands: at all of them, or at the last one (`target`) something else.

    `folders` marks verbs that take every operand for a folder, with or without its last slash.
    """

    each: Access = "read"
    target: Access | None = None
    folders: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """How a program's command lines are read.

    `valued` are flags that take the next word, `bare` some that do not; `placed` are those whose value is a place, with
    what is done there.  `plain` verbs touch no store.  `pairs` says that a verb with a target has exactly two operands.
    `install` says how to get it; `names` are what it is called, `mistaken` what another program of such a name says of
    itself (`--version`).
    """

    name: str
    install: str
    verbs: Mapping[str, Verb]
    plain: frozenset[str]
    valued: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    placed: Mapping[str, Access] = field(default_factory=dict)
    pairs: bool = False
    names: tuple[str, ...] = ()
    mistaken: str | None = None


@dataclass(frozen=True, slots=True)
class Operand:
    """A place among the words: at which index, as written, behind what (`--flag=`), and what is done there."""

    at: int
    place: str
    access: Access
    behind: str = ""
    folder: bool = False


@dataclass(frozen=True, slots=True)
class _Word:
    at: int
    text: str
    doubtful: bool  # it could be the value of the flag before it


_COPY, _MOVE, _READ, _WRITE = Verb("read", "write"), Verb("write", "write"), Verb("read"), Verb("write")
_LIST, _MIRROR = Verb("read", folders=True), Verb("read", "write", folders=True)


def _each(verb: Verb, names: str) -> dict[str, Verb]:
    return dict.fromkeys(names.split(), verb)


def _flags(names: str) -> frozenset[str]:
    return frozenset(f"--{name}" for name in names.split())


MC = Tool(
    name="mc",
    install="install MinIO's client (https://github.com/minio/mc)",
    names=("mc", "mcli"),  # the second where a distribution has Midnight Commander under the first
    mistaken="Midnight Commander",
    verbs={
        **_each(_READ, "cat diff head sql stat"),
        **_each(_LIST, "du find ls tree watch"),
        **_each(_COPY, "cp get put"),
        **_each(_MIRROR, "mirror"),
        **_each(_MOVE, "mv"),
        **_each(_WRITE, "pipe rm"),
        "share download": _READ,
        "share upload": _WRITE,
    },
    plain=frozenset({"help", "share list", "version"}),
    valued=_flags(
        """
        attr checksum compression concurrent config-dir C content-type T csv-input csv-output csv-output-header
        custom-header H depth d enc-c enc-kms enc-s3 encrypt encrypt-key events exclude exclude-bucket
        exclude-storageclass exec expire E ignore json-input json-output larger legal-hold limit-download limit-upload
        lines n max-workers maxdepth metadata monitoring-address name newer-than offset older-than parallel P
        part-number part-size s path prefix print query e regex region resolve retention-duration retention-mode rewind
        smaller storage-class sc suffix tags tail version-id vid
        """
    ),
)

RCLONE = Tool(
    name="rclone",
    install="install it (https://rclone.org/install/)",
    verbs={
        **_each(_READ, "cat check checksum cryptcheck cryptdecode hashsum link ls lsd lsf lsjson lsl md5sum ncdu"),
        **_each(_READ, "sha1sum size tree"),
        **_each(_COPY, "copy copyto copyurl sync"),
        **_each(_MOVE, "bisync move moveto"),
        **_each(_WRITE, "cleanup dedupe delete deletefile mkdir purge rcat rmdir rmdirs touch"),
    },
    plain=frozenset({"completion", "help", "listremotes", "version"}),
    bare=_flags(
        """
        P progress n dry-run i interactive v vv q quiet c checksum u update I ignore-times M metadata l links
        L copy-links x one-file-system absolute check-first create-empty-src-dirs csv delete-after delete-before
        delete-during delete-empty-src-dirs delete-excluded dirs-only download fast-list files-only fix-case force
        human-readable ignore-case ignore-case-sync ignore-checksum ignore-errors ignore-existing ignore-size immutable
        inplace no-check-certificate no-check-dest no-gzip-encoding no-traverse no-unicode-normalization
        no-update-dir-modtime no-update-modtime one-way recursive R resilient resync s3-no-check-bucket
        s3-no-head server-side-across-configs size-only stats-one-line suffix-keep-extension track-renames
        use-json-log use-mmap use-server-modtime
        """
    ),
    placed={"--backup-dir": "write", "--compare-dest": "read", "--copy-dest": "read"},
    pairs=True,
)


def operands(tool: Tool, words: Sequence[str], is_place: Callable[[str], bool]) -> list[Operand]:
    """Return the places among `words`, the command line behind the tool's name.  Raises BadInput for unknown verbs."""
    plain, flagged = _sort(tool, words, is_place)
    verb, rest = _verb(tool, plain)
    if verb is None:
        return []
    return flagged + _with_roles(tool, verb, rest, is_place)


def _sort(tool: Tool, words: Sequence[str], is_place: Callable[[str], bool]) -> tuple[list[_Word], list[Operand]]:
    """Tell plain words from flags, and keep the places that stand in flags."""
    plain: list[_Word] = []
    flagged: list[Operand] = []
    pending: str | None = None  # a flag that takes the next word
    doubtful = closed = False
    for at, text in enumerate(words):
        if pending is not None:
            if pending in tool.placed and is_place(text):
                flagged.append(Operand(at, text, tool.placed[pending]))
            pending = None
        elif closed or text == "-" or not text.startswith("-"):
            plain.append(_Word(at, text, doubtful))
            doubtful = False
        elif text == "--":
            closed, doubtful = True, False
        else:
            name, equals, value = text.partition("=")
            name = "--" + name.lstrip("-")  # one dash or two: Go's flags do not mind
            takes_next = name in tool.placed or name in tool.valued
            if equals and name in tool.placed and is_place(value):
                flagged.append(Operand(at, value, tool.placed[name], behind=text[: -len(value)]))
            pending = name if takes_next and not equals else None
            doubtful = not takes_next and not equals and name not in tool.bare
    return plain, flagged


def _verb(tool: Tool, plain: Sequence[_Word]) -> tuple[Verb | None, Sequence[_Word]]:
    for index, word in enumerate(plain):
        behind = plain[index + 1].text if index + 1 < len(plain) else ""
        for name, length in ((f"{word.text} {behind}", 2), (word.text, 1)):
            if name in tool.verbs or name in tool.plain:
                return tool.verbs.get(name), plain[index + length :]
        if not word.doubtful:
            raise BadInput(
                f"'vend {tool.name}' does not know the verb {word.text[:40]!a}.",
                remedy=f"It knows {', '.join(sorted({*tool.verbs, *tool.plain}))}; for others there is 'vend env'.",
            )
    return None, ()  # only flags: --help, --version


def _with_roles(tool: Tool, verb: Verb, rest: Sequence[_Word], is_place: Callable[[str], bool]) -> list[Operand]:
    words = list(rest)
    if verb.target is not None and tool.pairs:
        for word in rest:
            if len(words) > 2 and word.doubtful and not is_place(word.text):
                words.remove(word)
    found = []
    for index, word in enumerate(words):
        if is_place(word.text):
            is_target = verb.target is not None and len(words) > 1 and index == len(words) - 1
            access = verb.target if is_target and verb.target is not None else verb.each
            found.append(Operand(word.at, word.text, access, folder=verb.folders))
    return found
