"""What a gateway's metrics say, read as Prometheus reads them."""

import httpx2
from prometheus_client.parser import text_string_to_metric_families


class Samples(dict[tuple[str, frozenset[tuple[str, str]]], float]):
    """Values by name and labels."""

    def of(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of a name that have these labels, among others; 0 if there is none."""
        wanted = set(labels.items())
        return sum(value for (found, theirs), value in self.items() if found == name and wanted <= theirs)

    def labels(self) -> dict[str, set[str]]:
        """Return the names of labels by the names of samples."""
        found: dict[str, set[str]] = {}
        for name, theirs in self:
            found.setdefault(name, set()).update(label for label, _ in theirs)
        return found


def scrape(url: str, token: str | None = None) -> Samples:
    """Read the metrics of a gateway."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = httpx2.get(f"{url}/metrics", headers=headers, trust_env=False, timeout=20)
    assert answer.status_code == 200, answer.text
    samples = Samples()
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            samples[sample.name, frozenset(sample.labels.items())] = sample.value
    return samples
