"""Paths, names and policies as MMS writes them: `s3a://…/`, namespaces such as `u_alice__`, one action a statement."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from vendor.doors.mms.models import PolicyDocument, PolicyModel, PolicyStatement
from vendor.names import TenantName, UserName
from vendor.policy.access import AccessTable
from vendor.policy.grant import Grant
from vendor.policy.layout import Layout, Template
from vendor.policy.planner import policy_for

SHOWN_ACTIONS: Final = frozenset(
    {
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:ListBucket",
        "s3:GetBucketLocation",
        "s3:ListAllMyBuckets",
    }
)
"""What MMS's clients know: their parsers fail on any other action."""
GENERAL, SQL = "general", "sql"
"""The kinds of folders in the layout that MMS's answers have a field for."""


def folder_of(templates: Mapping[str, Template], kind: str, name: str) -> str:
    """Return the folder of one kind; the first there is where the layout has none of this kind."""
    template = templates.get(kind) or next(iter(templates.values()))
    return f"s3a://{template.bucket}/{template.prefix(name)}"


def home_paths(layout: Layout, user: UserName) -> list[str]:
    """Return a user's homes in the order of the layout."""
    return [_path(grant) for grant in layout.home_grants(user)]


def reachable(grants: Iterable[Grant]) -> list[str]:
    """Return the folders that grants open, in order."""
    return sorted({_path(grant) for grant in grants})


def user_namespace(user: UserName) -> str:
    """Return what the names of a user's databases begin with."""
    return f"u_{user}__"


def tenant_namespace(tenant: TenantName) -> str:
    """Return what the names of a tenant's databases begin with."""
    return f"{tenant}_"


def home_policy_name(user: UserName) -> str:
    """Return what MMS calls the policy of a user's homes."""
    return f"user-home-policy-{user}"


def system_policy_name(user: UserName) -> str:
    """Return what MMS calls the policy of a user's system folders."""
    return f"user-system-policy-{user}"


def group_policy_name(group: str) -> str:
    """Return what MMS calls the policy of one half of a tenant."""
    return f"group-policy-{group}"


def policy(name: str, grants: Sequence[Grant], access: AccessTable) -> PolicyModel:
    """Return the document that a lease of `grants` would carry, in MMS's form and with the actions its clients know."""
    text = policy_for(grants, access).text if grants else '{"Statement": []}'
    statements = [
        PolicyStatement(action=action, resource=statement["Resource"], condition=statement.get("Condition"))
        for statement in json.loads(text)["Statement"]
        for action in statement["Action"]
        if action in SHOWN_ACTIONS
    ]
    return PolicyModel(policy_name=name, policy_document=PolicyDocument(statement=statements))


def _path(grant: Grant) -> str:
    return f"s3a://{grant.bucket}/{grant.prefix}"
