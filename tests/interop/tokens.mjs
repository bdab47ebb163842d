// jose and jsonwebtoken: they verify our tokens, and sign tokens for us to verify.
// Reads a job as JSON, writes the answer as JSON; see interop.rs.
import { createPublicKey, generateKeyPairSync, randomBytes, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import jsonwebtoken from "jsonwebtoken";

// Node.js 18 has it elsewhere.
globalThis.crypto ??= webcrypto;
const jose = await import("jose");

const job = JSON.parse(readFileSync(0, "utf8"));

const verifiers = {
  jose: async (algorithm, token) => {
    const options = { issuer: job.issuer, audience: job.audience, typ: "at+jwt",
                      algorithms: [algorithm] };
    const key = algorithm === "HS256"
      ? await jose.importJWK(job.secret, "HS256")
      : jose.createLocalJWKSet(JSON.parse(job.jwks[algorithm]));
    return (await jose.jwtVerify(token, key, options)).payload;
  },
  jsonwebtoken: async (algorithm, token) => {
    const kid = JSON.parse(Buffer.from(token.split(".")[0], "base64url")).kid;
    const key = algorithm === "HS256"
      ? Buffer.from(job.secret.k, "base64url")
      : createPublicKey({
          key: JSON.parse(job.jwks[algorithm]).keys.find((jwk) => jwk.kid === kid),
          format: "jwk",
        });
    return jsonwebtoken.verify(token, key, {
      issuer: job.issuer, audience: job.audience, algorithms: [algorithm],
    });
  },
};

const verified = [];
for (const [library, verify] of Object.entries(verifiers)) {
  for (const [algorithm, token] of Object.entries(job.tokens)) {
    // jsonwebtoken knows no EdDSA.
    if (library === "jsonwebtoken" && algorithm === "EdDSA") continue;
    const claims = await verify(algorithm, token);
    const tampered = await verify(algorithm, job.tampered[algorithm]).catch(() => null);
    if (tampered) throw new Error(`${library} takes a ${algorithm} token that was tampered with`);
    verified.push({ library, algorithm, claims });
  }
}

const pairs = {
  EdDSA: generateKeyPairSync("ed25519"),
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
};
const secret = randomBytes(48);
const now = Math.floor(Date.now() / 1000);
const claims = { iss: job.issuer, aud: job.audience, sub: "zoë", iat: now, exp: now + 300,
                 jti: "j-1" };
const signed = [];
for (const algorithm of ["HS256", "EdDSA", "ES256", "RS256"]) {
  const header = { alg: algorithm, typ: "at+jwt", kid: "k-1" };
  const [key, jwk] = algorithm === "HS256"
    ? [secret, { kty: "oct", k: secret.toString("base64url") }]
    : [pairs[algorithm].privateKey, await jose.exportJWK(pairs[algorithm].publicKey)];
  Object.assign(jwk, { kid: "k-1", alg: algorithm });
  const token = await new jose.SignJWT(claims).setProtectedHeader(header).sign(key);
  signed.push({ library: "jose", algorithm, jwk, token });
  if (algorithm !== "EdDSA") {
    const token = jsonwebtoken.sign(claims, key, { algorithm, header });
    signed.push({ library: "jsonwebtoken", algorithm, jwk, token });
  }
}
process.stdout.write(JSON.stringify({ verified, signed }));
