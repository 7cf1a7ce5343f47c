"""A hub whose people sign in with OpenID Connect and whose servers get leases.  See docs/jupyterhub.md.

Needs `pip install 'sts-vendor[jupyterhub]' oauthenticator` in the hub's environment, and JUPYTERHUB_CRYPT_KEY.
"""

import os

from oauthenticator.generic import GenericOAuthenticator  # type: ignore[import-not-found]  # the hub's own

from vendor.integrations.jupyterhub import install

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - JupyterHub gives it

# Who somebody is.  The access token has to be one that the gateway takes: its issuer and audience are in trust.toml.
issuer = os.environ["OIDC_ISSUER"]
c.JupyterHub.authenticator_class = GenericOAuthenticator
c.GenericOAuthenticator.client_id = os.environ["OIDC_CLIENT_ID"]
c.GenericOAuthenticator.client_secret = os.environ.get("OIDC_CLIENT_SECRET", "")
c.GenericOAuthenticator.authorize_url = f"{issuer}/authorize"
c.GenericOAuthenticator.token_url = f"{issuer}/token"
c.GenericOAuthenticator.userdata_url = f"{issuer}/userinfo"
c.GenericOAuthenticator.scope = ["openid", "profile", "email", "offline_access"]  # the last one to refresh tokens
c.GenericOAuthenticator.username_claim = "preferred_username"
c.GenericOAuthenticator.allow_all = True

# What their servers get.
c.LeaseHooks.gateway = os.environ["VENDOR_URL"]
c.LeaseHooks.folder = "lease-tokens"
c.LeaseHooks.renewable_for = 3 * 86400
c.LeaseHooks.scopes = {
    # By profile, by the server's name, or for all others.  What is left out of here reaches all that is granted.
    "sandbox": [("s3://cdm-lake/users-general-warehouse/{username}/", "write")],
}
install(c)
