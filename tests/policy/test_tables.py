"""The tables under policies/: as shipped they are exactly what a reviewer saw, and a mistake in one is refused."""

from pathlib import Path

import pytest

from vendor.names import Bucket, Prefix, TenantName, UserName
from vendor.policy.access import AccessTable, load_access
from vendor.policy.grant import Level
from vendor.policy.layout import Layout, load_layout
from vendor.policy.oracle import like
from vendor.policy.tables import PolicyFileError

LAKE = Bucket("cdm-lake")
POLICIES = Path(__file__).parents[2] / "policies"


def test_the_shipped_actions_are_these_and_no_others(access: AccessTable) -> None:
    assert access == AccessTable(
        listing=("s3:ListBucket",),
        read=("s3:GetObject",),
        write=("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
        bucket=(),
        denied=("admin:*",),
        spelling=(
            ("s3:AbortMultipartUpload", "s3:Abort*"),
            ("s3:ListMultipartUploadParts", "s3:ListMultipart*"),
        ),
    )
    assert access.on_objects(Level.WRITE) == access.read + access.write


def all_actions() -> list[str]:
    lines = (Path(__file__).parent / "s3_actions.txt").read_text(encoding="ascii").splitlines()
    return [f"s3:{name}" for line in lines if not line.startswith("#") for name in line.split()]


def named_by(pattern: str) -> list[str]:
    return [action for action in all_actions() if like(pattern.lower(), action.lower())]


def test_a_shortened_action_names_no_other(access: AccessTable) -> None:
    assert access.spelling
    for action, short in access.spelling:
        assert named_by(short) == [action]


def test_documents_name_nothing_but_what_is_granted(access: AccessTable) -> None:
    written = access.spelled(access.listing + access.on_objects(Level.WRITE) + access.bucket)

    assert len(all_actions()) > 150
    assert {action for short in written for action in named_by(short)} == {
        *access.listing,
        *access.on_objects(Level.WRITE),
        *access.bucket,
    }


@pytest.mark.parametrize(
    ("action", "level"),
    [
        ("s3:GetObject", Level.READ),
        ("s3:getobject", Level.READ),
        ("s3:ListBucket", Level.READ),
        ("s3:PutObject", Level.WRITE),
        ("s3:AbortMultipartUpload", Level.WRITE),
        ("s3:PutBucketPolicy", None),
        ("s3:GetObjectVersion", None),
        ("s3:Get*", None),
        ("", None),
    ],
)
def test_an_action_has_a_level_only_if_a_grant_can_allow_it(
    access: AccessTable, action: str, level: Level | None
) -> None:
    assert access.level_for(action) is level


def changed(tmp_path: Path, table: str, old: str, new: str) -> Path:
    text = (POLICIES / table).read_text(encoding="utf-8")
    assert old in text
    target = tmp_path / table
    target.write_text(text.replace(old, new, 1), encoding="utf-8")
    return target


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        pytest.param('["s3:GetObject"]', '["s3:Get*"]', "form", id="wildcard-action"),
        pytest.param('["s3:GetObject"]', '["s3:*"]', "form", id="all-actions"),
        pytest.param('["s3:GetObject"]', '["GetObject"]', "form", id="no-service"),
        pytest.param('["s3:GetObject"]', "[]", "names no action", id="empty-list"),
        pytest.param('["s3:GetObject"]', '"s3:GetObject"', "list of strings", id="not-a-list"),
        pytest.param('["s3:GetObject"]', '["s3:GetObject", "s3:GetObject"]', "twice", id="twice-in-a-list"),
        pytest.param('["s3:GetObject"]', '["s3:GetObject", "s3:putobject"]', "form", id="lower-case"),
        pytest.param('["s3:GetObject"]', '["s3:GetObject", "s3:PutObject"]', "named twice", id="twice-in-two-lists"),
        pytest.param('["s3:ListBucket"]', '["s3:GetBucketLocation"]', "cannot be limited", id="listing-unlimited"),
        pytest.param('"s3:PutObject",', '"s3:PutObject", "s3:PutObjectAcl",', "ruled out", id="acl"),
        pytest.param('"s3:PutObject",', '"s3:BypassGovernanceRetention",', "ruled out", id="retention-bypass"),
        pytest.param("actions = []", 'actions = ["s3:PutBucketPolicy"]', "ruled out", id="bucket-policy"),
        pytest.param("actions = []", 'actions = ["s3:ListBucketMultipartUploads"]', "ruled out", id="all-uploads"),
        pytest.param('"s3:Abort*"', '"s3:*Upload*"', "names s3:ListMultipartUploadParts, too", id="short-for-two"),
        pytest.param('"s3:Abort*"', '"s3:Put*"', "does not name", id="short-for-another"),
        pytest.param('"s3:Abort*"', '"*"', "does not name", id="short-for-every-service"),
        pytest.param('"s3:Abort*"', "7", "strings", id="short-number"),
        pytest.param('"s3:AbortMultipartUpload" =', '"s3:GetObjectAcl" =', "is not granted", id="short-for-none"),
        pytest.param('["admin:*"]', '["s3:*"]', "form", id="denied-s3"),
        pytest.param("[read]", "[reed]", "[read] is missing", id="misspelt-table"),
        pytest.param("[read]", "[read]\nwhy = 1", "unknown member 'why'", id="unknown-member"),
        pytest.param("[never]", "[other]\n[never]", "unknown member 'other'", id="unknown-table"),
        pytest.param("[write]", "[write", "not TOML", id="not-toml"),
    ],
)
def test_a_mistake_in_the_access_table_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    with pytest.raises(PolicyFileError) as refused:
        load_access(changed(tmp_path, "access.toml", old, new))

    assert complaint in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "access.toml"
    path.write_text('[listing]\nactions = ["s3:ListBucket"]\n[read\n', encoding="utf-8")

    with pytest.raises(PolicyFileError, match="line 3") as refused:
        load_access(path)

    assert refused.value.line == 3


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError, match="cannot be read"):
        load_access(tmp_path / "none.toml")
    (tmp_path / "layout.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyFileError, match="UTF-8"):
        load_layout(tmp_path / "layout.toml")


def test_the_shipped_layout(layout: Layout) -> None:
    homes = layout.home_grants(UserName("alice"))
    tenant = layout.tenant_grants(TenantName("kbase"), Level.READ)

    assert layout.bucket == LAKE
    assert [(grant.prefix, grant.level, grant.source, grant.with_key) for grant in homes] == [
        ("users-general-warehouse/alice/", Level.WRITE, "home", True),
        ("users-sql-warehouse/alice/", Level.WRITE, "home", True),
    ]
    assert [(grant.prefix, grant.level, grant.source, grant.with_key) for grant in tenant] == [
        ("tenant-general-warehouse/kbase/", Level.READ, "tenant:kbase", False),
        ("tenant-sql-warehouse/kbase/", Level.READ, "tenant:kbase", False),
    ]
    assert layout.system_grants(UserName("alice")) == ()


@pytest.mark.parametrize(
    ("bucket", "prefix", "owner", "tenant"),
    [
        pytest.param("cdm-lake", "users-general-warehouse/alice/", "alice", None, id="root"),
        pytest.param("cdm-lake", "users-sql-warehouse/alice/db/t/", "alice", None, id="inside"),
        pytest.param("cdm-lake", "users-general-warehouse/", None, None, id="above"),
        pytest.param("cdm-lake", "users-general-warehouse2/alice/", None, None, id="beside"),
        pytest.param("cdm-lake", "users-general-warehouse/Alice/", None, None, id="no-user-name"),
        pytest.param("cdm-lake", "users-general-warehouse/root/", None, None, id="reserved"),
        pytest.param("other", "users-general-warehouse/alice/", None, None, id="other-bucket"),
        pytest.param("cdm-lake", "x/users-general-warehouse/alice/", None, None, id="deeper"),
        pytest.param("cdm-lake", "tenant-sql-warehouse/kbase/x/", None, "kbase", id="tenant"),
        pytest.param("cdm-lake", "tenant-sql-warehouse/k-base/", None, None, id="no-tenant-name"),
    ],
)
def test_whose_folder_a_path_is_in(
    layout: Layout, bucket: str, prefix: str, owner: str | None, tenant: str | None
) -> None:
    assert layout.home_owner(Bucket(bucket), Prefix(prefix)) == owner
    assert layout.tenant_of(Bucket(bucket), Prefix(prefix)) == tenant


def test_system_folders_are_granted_to_everybody(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        "layout.toml",
        "# What everybody gets",
        '[system.logs]\nbucket = "job-logs"\npath = "spark/{user}/"\naccess = "write"\nroot_key = true\n'
        '[system.reference]\npath = "reference/"\naccess = "read"\n#',
    )

    logs, reference = load_layout(path).system_grants(UserName("alice"))

    assert (logs.bucket, logs.prefix, logs.level, logs.source, logs.with_key) == (
        "job-logs",
        "spark/alice/",
        Level.WRITE,
        "system",
        True,
    )
    assert (reference.bucket, reference.prefix, reference.level) == ("cdm-lake", "reference/", Level.READ)


def test_the_layout_can_be_shown(layout: Layout) -> None:
    assert layout.describe() == {
        "bucket": "cdm-lake",
        "homes": {
            "general": {"bucket": "cdm-lake", "path": "users-general-warehouse/{user}/", "access": "write"},
            "sql": {"bucket": "cdm-lake", "path": "users-sql-warehouse/{user}/", "access": "write"},
        },
        "tenants": {
            "general": {"bucket": "cdm-lake", "path": "tenant-general-warehouse/{tenant}/", "access": "write"},
            "sql": {"bucket": "cdm-lake", "path": "tenant-sql-warehouse/{tenant}/", "access": "write"},
        },
        "system": {},
    }


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        pytest.param('"cdm-lake"', '"CDM"', "not a bucket name", id="bucket"),
        pytest.param('bucket = "cdm-lake"', "", "'bucket' must be a string", id="no-bucket"),
        pytest.param("users-sql-warehouse/{user}/", "users-sql-warehouse/{user}", "must end in {user}/", id="no-slash"),
        pytest.param("users-sql-warehouse/{user}/", "users-sql-warehouse/{tenant}/", "must end in", id="wrong-name"),
        pytest.param("users-sql-warehouse/{user}/", "{user}/", "no folder", id="no-folder"),
        pytest.param("users-sql-warehouse/{user}/", "users-{user}/", "'/' before", id="part-of-a-segment"),
        pytest.param("users-sql-warehouse/{user}/", "a/{user}/{user}/", "pattern", id="two-placeholders"),
        pytest.param("users-sql-warehouse/{user}/", "a*/{user}/", "pattern", id="wildcard"),
        pytest.param("users-sql-warehouse/", "users-general-warehouse/", "lie in one another", id="same"),
        pytest.param("users-sql-warehouse/", "users-general-warehouse/alice/", "lie in one another", id="nested"),
        pytest.param("tenant-sql-warehouse/", "Users-SQL-warehouse/", "lie in one another", id="case-twin"),
        pytest.param('/{user}/"\nroot_key = true', '/{user}/"\nroot_key = 1', "true or false", id="flag"),
        pytest.param("[homes.sql]", "[homes.SQL]", "lower-case", id="kind"),
        pytest.param("[homes.sql]", "[home.sql]", "unknown member 'home'", id="misspelt"),
        pytest.param("[homes.sql]", "[homes]\nsql = 1\n[homes.other]", "must be a table", id="not-a-table"),
    ],
)
def test_a_mistake_in_the_layout_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    with pytest.raises(PolicyFileError) as refused:
        load_layout(changed(tmp_path, "layout.toml", old, new))

    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('access = "admin"\npath = "logs/"', "must be read or write"),
        ('path = "logs/"', "'access' must be a string"),
        ('access = "read"\npath = "logs"', "'/' before"),
        ('access = "read"\npath = "users-sql-warehouse/"', "lie in one another"),
        ('access = "read"\npath = "logs/"\nbucket = "x"', "not a bucket name"),
    ],
)
def test_a_mistake_in_a_system_folder_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = changed(tmp_path, "layout.toml", "# What everybody gets", f"[system.logs]\n{text}\n#")

    with pytest.raises(PolicyFileError) as refused:
        load_layout(path)

    assert complaint in str(refused.value)
