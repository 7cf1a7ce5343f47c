"""The people of the development stack, the same for every identity provider."""

from dataclasses import dataclass

ADMIN_ROLE = "ADMIN"
KBASE_ROLE, KBASE_ADMIN_ROLE = "BERDL_USER", "CDM_JUPYTERHUB_ADMIN"


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in."""

    name: str
    display_name: str
    admin: bool = False

    @property
    def email(self) -> str:
        return f"{self.name}@example.org"

    @property
    def roles(self) -> list[str]:
        """Roles in an OIDC token."""
        return ["USER", ADMIN_ROLE] if self.admin else ["USER"]

    @property
    def kbase_roles(self) -> list[str]:
        """Custom roles at KBase."""
        return [KBASE_ROLE, KBASE_ADMIN_ROLE] if self.admin else [KBASE_ROLE]


ALICE = Person("alice", "Alice Adams")
BOB = Person("bob", "Bob Brown")
CAROL = Person("carol", "Carol Clark", admin=True)
PEOPLE = (ALICE, BOB, CAROL)
