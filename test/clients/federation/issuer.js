// An OpenID provider that nobody here wrote, as it is: the package oidc-provider, with clients that get
// tokens of their own. PROVIDERS is a list of {port, issuer, key, kid}: several may call themselves the same.
// SHIFT moves its clock, in seconds.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const real = Date.now
const shift = Number(process.env.SHIFT ?? 0) * 1000
Date.now = () => real() + shift

const { default: Provider } = await import('oidc-provider')

const clients = process.env.CLIENTS.split(' ').map((id) => ({
  client_id: id,
  client_secret: process.env.SECRET,
  token_endpoint_auth_method: 'client_secret_post',
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: []
}))

const jwk = (key, more) => ({ ...key.export({ format: 'jwk' }), use: 'sig', ...more })

for (const { port, issuer, key, kid } of JSON.parse(process.env.PROVIDERS)) {
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: [jwk(createPrivateKey(readFileSync(key)), { kid, alg: 'RS256' }), jwk(curve, { kid: 'curve', alg: 'ES256' })] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource, client) => ({
          scope: '',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 3600,
          jwt: { sign: { alg: client.clientId.startsWith('curve') ? 'ES256' : 'RS256' } }
        })
      }
    }
  })
  const server = createServer({ cert: readFileSync(process.env.CERT), key: readFileSync(process.env.CERT_KEY) }, provider.callback())
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
}
console.log('ready')
