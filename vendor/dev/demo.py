"""`make demo`: the product's main job as a story on real servers, every step checked."""

import argparse
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis
from rich.console import Console

from vendor.audit.trail import stream_key
from vendor.dev.person import Keys, Person, Refused, denied
from vendor.dev.process import ChildFailedError
from vendor.dev.programs import MissingProgramError
from vendor.dev.seaweedfs import KIND as SEAWEEDFS
from vendor.dev.stack import STORES, Stack, running_stack
from vendor.dev.sweep import redis_files, sweep
from vendor.dev.tell import StepFailed, Teller, claim
from vendor.governance.keys import Keys as KeyNames
from vendor.names import TenantName, UserName
from vendor.policy.grant import Level
from vendor.times import parse_rfc3339

SHORT_SECONDS = 8
LATE_SECONDS = 4.0


class Story:
    """The story, told on one running stack."""

    def __init__(self, stack: Stack, homes: Path, teller: Teller) -> None:
        self.stack = stack
        self.tell = teller
        self.bucket = stack.bucket
        self.alice = Person("alice", stack, homes / "alice")
        self.bob = Person("bob", stack, homes / "bob")
        for person in (self.alice, self.bob):
            person.home.mkdir()
        self.alice_home, *_ = (str(grant.prefix) for grant in stack.layout.home_grants(UserName("alice")))
        self.bob_home, *_ = (str(grant.prefix) for grant in stack.layout.home_grants(UserName("bob")))
        kbase = stack.layout.tenant_grants(TenantName("kbase"), Level.READ)
        self.tenant = str(kbase[0].prefix)

    def run(self) -> None:
        """Tell it all.  Raises StepFailed at the first step that does not hold."""
        short = self.sign_in()
        self.own_home()
        self.tenant_read_only()
        self.taken_away(self.share())
        self.ended()
        self.end_of_a_lease(short)
        self.audit()
        self.no_secret_anywhere()
        self.tell.end()

    def sign_in(self) -> Keys:
        """Alice comes in; her first lease is a very short one, whose end comes later in the story."""
        self.tell.chapter("Alice signs in")
        with self.tell.step("alice runs 'vend login' and confirms the code on her identity provider's page"):
            self.alice.sign_in()
        with self.tell.step(f"she gets a lease of {SHORT_SECONDS} seconds, and its keys work"):
            short = self.alice.lease(duration=SHORT_SECONDS)
            short.s3.get_object(Bucket=self.bucket, Key=self.alice_home + "hello.txt")
        self.tell.aside(f"lease {short.lease['id']}, until {short.lease['expires_at']}")
        return short

    def own_home(self) -> None:
        """What is hers works; what only looks like hers does not."""
        self.tell.chapter("Exactly her data, with plain boto3")
        with self.tell.step("alice gets a lease for everything she may touch"):
            keys = self.alice.lease()
        for entry in keys.lease["scope"]:
            self.tell.aside(f"{entry['access']:5} {entry['path']}  because of {entry['source']}")
        self.tell.aside(f"session policy: {keys.lease['policy']['bytes']} of {keys.lease['policy']['limit']} bytes")
        with self.tell.step("she writes a file into her home and reads it back"):
            keys.s3.put_object(Bucket=self.bucket, Key=self.alice_home + "notes.txt", Body=b"mine")
            read = keys.s3.get_object(Bucket=self.bucket, Key=self.alice_home + "notes.txt")["Body"].read()
            claim(read == b"mine", "she read something else")
        with self.tell.step("bob's home is denied her, for reading, writing and listing"):
            self._closed(keys, self.bob_home)
        sibling = self.alice_home.removesuffix("/") + "-2/"
        with self.tell.step(f"so is {sibling}, whose name begins like her own"):
            self.stack.store.site.client().put_object(Bucket=self.bucket, Key=sibling + "hello.txt", Body=b"other")
            self._closed(keys, sibling)

    def tenant_read_only(self) -> None:
        """A lease can be less than what is granted."""
        self.tell.chapter("Less than she has")
        with self.tell.step("alice asks for the tenant kbase for reading only, and reads"):
            keys = self.alice.lease("--read", f"s3a://{self.bucket}/{self.tenant}")
            keys.s3.get_object(Bucket=self.bucket, Key=self.tenant + "hello.txt")
        with self.tell.step("with these keys a write to kbase is denied, and so is her own home"):
            writing = denied(lambda: keys.s3.put_object(Bucket=self.bucket, Key=self.tenant + "x", Body=b""))
            claim(writing, "the write went through")
            self._closed(keys, self.alice_home)

    def share(self) -> Keys:
        """Bob comes in by KBase, and gets one folder of hers when she says so."""
        self.tell.chapter("Bob, from KBase, and a share")
        folder = self.alice_home + "results/"
        path = f"s3://{self.bucket}/{folder}"
        with self.tell.step("bob has a KBase token; 'vend lease' takes it, and his home works"):
            self.bob.has_kbase_token()
            keys = self.bob.lease()
            keys.s3.get_object(Bucket=self.bucket, Key=self.bob_home + "hello.txt")
        with self.tell.step(f"alice's folder {folder} is denied him, and no lease for it is given"):
            self._closed(keys, folder)
            try:
                self.bob.lease("--read", path)
            except Refused as refusal:
                claim(refusal.status == 1, f"vend ended with {refusal.status}")
            else:
                raise StepFailed("he got one")
        with self.tell.step("alice writes there and shares the folder with bob for reading"):
            self.alice.lease("--write", path).s3.put_object(Bucket=self.bucket, Key=folder + "table.csv", Body=b"1,2")
            self.alice.vend("share", path, "--with", "bob")
        with self.tell.step("bob's new lease reads it, and still cannot write it or read beside it"):
            keys = self.bob.lease("--read", path)
            keys.s3.get_object(Bucket=self.bucket, Key=folder + "table.csv")
            claim(denied(lambda: keys.s3.put_object(Bucket=self.bucket, Key=folder + "x", Body=b"")), "he wrote")
            self._closed(keys, self.alice_home.removesuffix("/") + "-2/")
        return keys

    def taken_away(self, keys: Keys) -> None:
        """Live keys lose what is taken away, and nobody waits for their end."""
        self.tell.chapter("Taken away is gone")
        table = self.alice_home + "results/table.csv"
        with self.tell.step("alice takes the share back: the keys that bob still holds are denied at once"):
            self.alice.vend("unshare", f"s3://{self.bucket}/{self.alice_home}results/")
            claim(denied(lambda: keys.s3.get_object(Bucket=self.bucket, Key=table)), "he still reads it")

    def ended(self) -> None:
        """A lease can be ended, and its keys with it."""
        with self.tell.step("bob ends one of his two leases: its keys are dead, those of the other go on"):
            one, other = self.bob.lease(duration=1800), self.bob.lease(duration=3600)
            (said,) = json.loads(self.bob.vend("revoke", "--json", one.lease["id"]))["leases"]
            hello = self.bob_home + "hello.txt"
            claim(denied(lambda: one.s3.get_object(Bucket=self.bucket, Key=hello)), "they still work")
            other.s3.get_object(Bucket=self.bucket, Key=hello)
        self.tell.aside(f"the gateway said: effective {said['effective']}, by {said['how']}")

    def end_of_a_lease(self, short: Keys) -> None:
        """The first lease dies when it was said to."""
        self.tell.chapter("Keys end")
        end = parse_rfc3339(short.lease["expires_at"])
        with self.tell.step("alice's first lease dies on time"):
            while not denied(lambda: short.s3.get_object(Bucket=self.bucket, Key=self.alice_home + "hello.txt")):
                claim(time.time() < end + LATE_SECONDS, "it lives on")
                time.sleep(0.1)
            claim(time.time() > end - LATE_SECONDS, "it died early")

    def audit(self) -> None:
        """Everything above is on record."""
        self.tell.chapter("The record")
        with self.tell.step("the audit log has every lease given, refused and ended, and the share"):
            events = self._events()
            kinds = [str(event["kind"]) for event in events]
            for kind, least in (
                ("vend.issued", 6),
                ("vend.denied", 1),
                ("share.created", 1),
                ("share.removed", 1),
                ("lease.revoked", 1),
            ):
                claim(kinds.count(kind) >= least, f"only {kinds.count(kind)} events {kind}")
        for event in events:
            if str(event["kind"]).startswith(("vend.", "share.", "lease.")):
                what = event.get("lease") or event.get("path") or event.get("reason")
                self.tell.aside(f"{event['time']} {event['kind']:13} {event['actor']['name']:6} {what}")

    def no_secret_anywhere(self) -> None:
        """Nothing on disk could be used to read or write an object."""
        self.tell.chapter("No stored keys")
        secrets = [*self.alice.secrets, *self.bob.secrets]
        secrets += [("ready-made token", token) for token in self.stack.tokens.values()]
        claim(len(secrets) > 15, "too few secrets were collected to look for")
        with self.tell.step(f"none of {len(secrets)} tokens and keys of this story is in Redis or in any log"):
            files = [*redis_files(self.stack), *self.stack.logs]
            found = sweep(files, secrets)
            claim(not found, ", ".join(f"{finding.what} in {finding.file.name}" for finding in found))
        self.tell.aside(f"{len(files)} files searched: " + ", ".join(sorted({file.name for file in files})))

    def _closed(self, keys: Keys, folder: str) -> None:
        for name, call in {
            "read": lambda: keys.s3.get_object(Bucket=self.bucket, Key=folder + "hello.txt"),
            "written": lambda: keys.s3.put_object(Bucket=self.bucket, Key=folder + "x", Body=b""),
            "listed": lambda: keys.s3.list_objects_v2(Bucket=self.bucket, Prefix=folder),
        }.items():
            claim(denied(call), f"{folder} could be {name}")

    def _events(self) -> list[dict[str, Any]]:
        with redis.Redis.from_url(self.stack.valkey.url, decode_responses=True) as server:
            return [json.loads(fields["event"]) for _, fields in server.xrange(stream_key(KeyNames().root))]


def main() -> int:
    """Bring a stack up, tell the story on it, and take it down: 0 only if every step held."""
    arguments = argparse.ArgumentParser(prog="make demo", description=__doc__)
    arguments.add_argument("--store", choices=STORES, default=SEAWEEDFS)
    store = arguments.parse_args().store
    console = Console()
    console.print(f"Starting Valkey, an OpenID provider, KBase auth, {store} and the gateway…")
    try:
        with (
            TemporaryDirectory(prefix="vendor-demo-") as homes,
            running_stack(store, short_seconds=SHORT_SECONDS) as stack,
        ):
            Story(stack, Path(homes), Teller(console)).run()
    except (StepFailed, ChildFailedError, MissingProgramError) as failure:
        console.print(f"[bold red]{type(failure).__name__}[/bold red]: {failure}", markup=True, soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
