"""PyJWT and joserfc: they verify our tokens, and sign tokens for us to verify.

Reads a job as JSON, writes the answer as JSON; see interop.rs.
"""

import json
import sys
import time
import warnings

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jwk as jose_jwk
from joserfc import jwt as jose_jwt
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm


# joserfc would rather read "Ed25519" (RFC 9864); what others sign says "EdDSA" still.
warnings.simplefilter("ignore")


def public_keys(job, algorithm):
    if algorithm == "HS256":
        return json.dumps({"keys": [job["secret"]]})
    return job["jwks"][algorithm]


def pyjwt_verify(job, algorithm, token):
    kid = jwt.get_unverified_header(token)["kid"]
    key = jwt.PyJWKSet.from_json(public_keys(job, algorithm))[kid]
    return jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=job["audience"],
        issuer=job["issuer"],
        options={"require": ["exp", "iat", "sub", "jti"]},
    )


def joserfc_verify(job, algorithm, token):
    keys = jose_jwk.KeySet.import_key_set(json.loads(public_keys(job, algorithm)))
    decoded = jose_jwt.decode(token, keys, algorithms=[algorithm])
    jose_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": job["issuer"]},
        aud={"essential": True, "value": job["audience"]},
        exp={"essential": True},
    ).validate(decoded.claims)
    return decoded.claims


def generated():
    """A private key for each algorithm, and its JWK as PyJWT writes it."""
    secret = bytes((i * 37 + 11) % 256 for i in range(48))
    ed, p256 = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
    rsa_key = rsa.generate_private_key(65537, 2048)
    yield "HS256", secret, secret, HMACAlgorithm.to_jwk(secret, as_dict=True)
    for name, key, codec in [
        ("EdDSA", ed, OKPAlgorithm),
        ("ES256", p256, ECAlgorithm),
        ("RS256", rsa_key, RSAAlgorithm),
    ]:
        public = codec.to_jwk(key.public_key(), as_dict=True)
        yield name, key, codec.to_jwk(key, as_dict=True), public


def sign(job):
    now = int(time.time())
    claims = {
        "iss": job["issuer"],
        "aud": job["audience"],
        "sub": "zoë",
        "iat": now,
        "exp": now + 300,
        "jti": "j-1",
    }
    signed = []
    for algorithm, key, private, public in generated():
        header = {"typ": "at+jwt", "kid": "k-1"}
        public = {"kid": "k-1", "alg": algorithm, **public}
        public.pop("key_ops", None)
        signed.append(("PyJWT", algorithm, public, jwt.encode(claims, key, algorithm, header)))
        if algorithm == "HS256":
            imported = jose_jwk.OctKey.import_key(private)
        else:
            imported = jose_jwk.import_key(private)
        header["alg"] = algorithm
        token = jose_jwt.encode(header, claims, imported, algorithms=[algorithm])
        signed.append(("joserfc", algorithm, public, token))
    names = ("library", "algorithm", "jwk", "token")
    return [dict(zip(names, values)) for values in signed]


def main():
    job = json.load(sys.stdin)
    verified = []
    for library, verify in [("PyJWT", pyjwt_verify), ("joserfc", joserfc_verify)]:
        for algorithm, token in job["tokens"].items():
            claims = verify(job, algorithm, token)
            try:
                verify(job, algorithm, job["tampered"][algorithm])
                sys.exit(f"{library} takes a {algorithm} token that was tampered with")
            except Exception:
                pass
            verified.append({"library": library, "algorithm": algorithm, "claims": claims})
    json.dump({"verified": verified, "signed": sign(job)}, sys.stdout)


main()
