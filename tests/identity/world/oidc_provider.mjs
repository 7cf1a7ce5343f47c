// The certified provider `oidc-provider` with one public client, set up from a JSON file.
// Usage: node oidc_provider.mjs SETTINGS; prints one line when it serves.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const require = createRequire(settings.modules + '/');
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const device = 'urn:ietf:params:oauth:grant-type:device_code';
const provider = new Provider(settings.issuer, {
  jwks: { keys: settings.keys },
  clients: [{
    client_id: 'vend',
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1:9/callback'],
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token', device],
    id_token_signed_response_alg: 'RS256',
  }],
  pkce: { required: () => true },
  claims: { openid: ['sub'], profile: ['groups', 'preferred_username'] },
  conformIdTokenClaims: false,
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, groups: ['lab'] }),
  }),
  cookies: { keys: [settings.secret] },
  ttl: { IdToken: 3600, AccessToken: 3600, AuthorizationCode: 60, DeviceCode: 300, Grant: 3600, Interaction: 300, Session: 3600 },
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'openid profile email',
        audience: 'vendor',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 3600,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});
provider.listen(settings.port, '127.0.0.1', () => console.log('serving'));
