"""What a probe found, for people and for programs."""

from dataclasses import dataclass

from vendor.stores.probe.check import Check, Finding, Verdict


@dataclass(frozen=True, slots=True)
class Result:
    """One check, what came out of it, and how long it took."""

    check: Check
    finding: Finding
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """What came out."""
        return self.finding.verdict

    def as_json(self) -> dict[str, object]:
        """Return it as JSON values; `advice` is there where something is to be done."""
        return {
            "name": self.check.name,
            "verdict": self.verdict.value,
            "relied_on": self.check.relied_on,
            "seconds": round(self.seconds, 3),
            "shows": self.check.shows,
            "detail": self.finding.detail,
            "advice": self.check.advice if self.verdict is Verdict.FAIL else None,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All that was tried on one store.  `left_behind` is what the probe made and could not remove."""

    store: str
    kind: str
    mode: str
    endpoint: str
    client_endpoint: str
    results: tuple[Result, ...]
    left_behind: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing failed that the gateway relies on, and everything was tidied up."""
        return not self.left_behind and not any(
            result.verdict is Verdict.FAIL and result.check.relied_on for result in self.results
        )

    def count(self, verdict: Verdict) -> int:
        """Return how many checks came out so."""
        return sum(result.verdict is verdict for result in self.results)

    def as_json(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "store": self.store,
            "kind": self.kind,
            "mode": self.mode,
            "endpoint": self.endpoint,
            "client_endpoint": self.client_endpoint,
            "ok": self.ok,
            "counts": {verdict.value.lower(): self.count(verdict) for verdict in Verdict},
            "checks": [result.as_json() for result in self.results],
            "left_behind": list(self.left_behind),
        }
