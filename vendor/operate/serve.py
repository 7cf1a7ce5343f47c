"""Run the gateway under uvicorn with uvloop."""

import sys

import structlog
import uvicorn

from vendor import __version__
from vendor.app import build
from vendor.environment import SettingsError
from vendor.identity.keyring import KeyringError
from vendor.identity.trust import TrustError
from vendor.logs import configure
from vendor.operate.garbage import set_aside
from vendor.operate.private_memory import keep_memory_private
from vendor.operate.protocol import BoundedProtocol
from vendor.operate.tracing import tracing
from vendor.policy.tables import PolicyFileError
from vendor.settings import load

DRAIN_SECONDS = 10


def serve() -> int:
    """Serve until SIGTERM or SIGINT.  Returns 2 for a configuration that cannot be used, with a line per mistake."""
    try:
        settings = load()
        configure(settings.log_format, settings.log_level)
        keep_memory_private()
        app = build(settings)
    except SettingsError as mistakes:
        return _refuse(mistakes.problems)
    except (KeyringError, TrustError, PolicyFileError) as mistake:
        return _refuse([str(mistake)])
    structlog.get_logger(__name__).info("gateway starts", version=__version__, store=str(settings.store_kind))
    with tracing():
        set_aside()
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http=BoundedProtocol,
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    return 0


def _refuse(problems: list[str]) -> int:
    for problem in problems:
        print(f"vendor: {problem}", file=sys.stderr)  # noqa: T201 - before there is a log
    return 2
