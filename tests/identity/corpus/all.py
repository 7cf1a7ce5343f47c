"""The whole corpus."""

from tests.identity.corpus import claims, form, keys, providers
from tests.identity.corpus.case import Case

CORPUS: list[Case] = [*form.CASES, *keys.CASES, *claims.CASES, *providers.CASES]
