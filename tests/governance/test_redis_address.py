"""URLs of Redis: what each form means, and that no mistake in one quotes it."""

import pytest

from vendor.redis_address import Address, Kind, parse_address
from vendor.secret import Secret


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("redis://host", Address(Kind.SINGLE, (("host", 6379),)), id="a-host"),
        pytest.param("redis://host:7000/3", Address(Kind.SINGLE, (("host", 7000),), db=3), id="port-and-database"),
        pytest.param("redis://[::1]:7000/", Address(Kind.SINGLE, (("::1", 7000),)), id="ipv6"),
        pytest.param(
            "redis://:p%40ss%2Fword@host",
            Address(Kind.SINGLE, (("host", 6379),), login={"password": "p@ss/word"}),
            id="encoded-password",
        ),
        pytest.param(
            "rediss://user:pass@host?ssl_ca_certs=/etc/ca.pem",
            Address(
                Kind.SINGLE,
                (("host", 6379),),
                login={"username": "user", "password": "pass"},
                tls={"ssl": True, "ssl_ca_certs": "/etc/ca.pem"},
            ),
            id="tls",
        ),
        pytest.param("unix:///run/redis.sock?db=2", Address(Kind.SINGLE, socket="/run/redis.sock", db=2), id="socket"),
        pytest.param(
            "redis+sentinel://:pw@one,two:26380/state/1?sentinel_password=other",
            Address(
                Kind.SENTINEL,
                (("one", 26379), ("two", 26380)),
                service="state",
                db=1,
                login={"password": "pw"},
                sentinel_login={"password": "other"},
            ),
            id="sentinels",
        ),
        pytest.param(
            "rediss+cluster://one:7000,two:7001",
            Address(Kind.CLUSTER, (("one", 7000), ("two", 7001)), tls={"ssl": True}),
            id="cluster",
        ),
    ],
)
def test_every_form(url: str, expected: Address) -> None:
    assert parse_address(Secret(url)) == expected


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://:hunter2@host", id="another-scheme"),
        pytest.param("redis+other://:hunter2@host", id="another-kind"),
        pytest.param("redis://:hunter2@", id="no-host"),
        pytest.param("redis://:hunter2@host:0", id="port-0"),
        pytest.param("redis://:hunter2@host:70000", id="port-70000"),
        pytest.param("redis://:hunter2@one,two", id="two-single-servers"),
        pytest.param("redis://:hunter2@host/name", id="database-without-number"),
        pytest.param("redis://:hunter@2@host", id="password-not-encoded"),
        pytest.param("redis://:hunter2@host?ssl_cert_reqs=none", id="unknown-parameter"),
        pytest.param("redis://:hunter2@host?ssl_ca_certs=/x", id="tls-file-without-tls"),
        pytest.param("rediss://:hunter2@host?ssl_ca_certs=/x&ssl_ca_certs=/y", id="parameter-twice"),
        pytest.param("redis://:hunter2@host?sentinel_password=x", id="sentinel-parameter-elsewhere"),
        pytest.param("redis+sentinel://:hunter2@one,two", id="no-service"),
        pytest.param("redis+cluster://:hunter2@one/1", id="database-of-a-cluster"),
        pytest.param("redis+cluster://:hunter2@one,,two", id="empty-host"),
        pytest.param("unix://:hunter2@host/x", id="socket-with-host"),
        pytest.param("unix://", id="no-socket"),
    ],
)
def test_mistakes_are_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match=r"^\w") as refusal:
        parse_address(Secret(url))
    assert "hunter2" not in str(refusal.value)


def test_no_password_in_a_repr() -> None:
    address = parse_address(Secret("redis+sentinel://:hunter2@one/state?sentinel_password=hunter3"))

    assert "hunter" not in repr(address)
    assert "hunter" not in repr(address.client())
