"""The configuration of the hub under test, as docs/jupyterhub.md has it; what differs on each run is told it."""

import json
import os

from oauthenticator.generic import GenericOAuthenticator  # type: ignore[import-not-found]  # only the hub has it

from vendor.integrations.jupyterhub import install

told = json.loads(os.environ["HUB_UNDER_TEST"])
c = get_config()  # type: ignore[name-defined]  # noqa: F821 - JupyterHub gives it

c.JupyterHub.bind_url = f"http://127.0.0.1:{told['port']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{told['hub_port']}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{told['proxy_port']}"
c.ConfigurableHTTPProxy.command = [told["proxy"]]
c.JupyterHub.log_level = "DEBUG"  # whatever is logged at all must hold no token

c.JupyterHub.authenticator_class = GenericOAuthenticator
c.GenericOAuthenticator.client_id = "vendor"
c.GenericOAuthenticator.authorize_url = f"{told['issuer']}/authorize"
c.GenericOAuthenticator.token_url = f"{told['issuer']}/token"
c.GenericOAuthenticator.userdata_url = f"{told['issuer']}/userinfo"
c.GenericOAuthenticator.oauth_callback_url = f"http://127.0.0.1:{told['port']}/hub/oauth_callback"
c.GenericOAuthenticator.scope = ["openid", "profile", "email"]
c.GenericOAuthenticator.username_claim = "sub"
c.GenericOAuthenticator.allow_all = True

c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = told["homes"] + "/{username}"
c.Spawner.args = ["--allow-root"] if os.geteuid() == 0 else []
c.Spawner.environment = {
    "JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp",
    "PYSPARK_PYTHON": told["python"],
    "SPARK_LOCAL_IP": "127.0.0.1",
}
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.JupyterHub.load_roles = [
    {
        "name": "culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["culler"],
    }
]
c.JupyterHub.services = [{"name": "culler", "api_token": told["culler_token"]}]

c.LeaseHooks.gateway = told["gateway"]
c.LeaseHooks.folder = told["tokens"]
c.LeaseHooks.duration = told["duration"]
install(c)
