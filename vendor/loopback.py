"""Which hosts can only be this machine."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Say whether `host` can only be this machine.  Names other than `localhost` are not looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
