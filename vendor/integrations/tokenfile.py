"""Keys from the token of a lease that somebody else began and will end: a notebook's, from its hub; a job's."""

from dataclasses import replace
from pathlib import Path

from vendor.client import tokens
from vendor.client.answers import Vended
from vendor.client.calls import Ask
from vendor.client.errors import SignInNeeded
from vendor.client.keeper import KeySource
from vendor.client.sync import Client
from vendor.secret import LeaseToken

PREFIX = "vlt_"


def read_lease_token(file: Path) -> LeaseToken:
    """Return the lease token in a file.  Raises SignInNeeded, UnsafeFile; never shows what is in it."""
    token = tokens.read_token_file(file, lambda _text: None).reveal()
    if not token.startswith(PREFIX):
        raise SignInNeeded(f"The file {file} holds no lease token.", remedy="A lease token begins with 'vlt_'.")
    return LeaseToken(token)


class TokenFileSource(KeySource):
    """Renews the lease of the token that lies in a file, which is read anew each time.  Ends nothing."""

    def __init__(self, client: Client, file: Path) -> None:
        super().__init__(client, Ask())
        self._gateway = client
        self._file = file

    def first(self) -> Vended:
        """Get keys of the lease."""
        token = read_lease_token(self._file)
        return replace(self._gateway.renew(token), lease_token=token)

    def next(self, held: Vended) -> Vended:
        """Get the keys that follow `held`; of another lease, if the token was replaced."""
        return self.first()

    def end(self, held: Vended) -> None:
        """Leave the lease to whoever began it."""
