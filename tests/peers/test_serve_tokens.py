"""Tokens made by PyJWT: taken where they are proved, refused where they are not."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time
import urllib.error
import urllib.request

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from conftest import PROGRAM, ROOT

ISSUER, AUDIENCE = "https://id.example/realm", "models"
MODEL = ROOT / "testdata" / "artifact" / "v2-binary.mw"


def make_keys():
    return {
        "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "ES384": ec.generate_private_key(ec.SECP384R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }


def key_set(keys, suffix=""):
    writers = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "ES384": ECAlgorithm,
               "EdDSA": OKPAlgorithm}
    entries = []
    for name, key in keys.items():
        entry = json.loads(writers[name].to_jwk(key.public_key()))
        entries.append({**entry, "kid": name + suffix, "use": "sig"})
    return json.dumps({"keys": entries})


def put(path, text):
    part = path.with_suffix(".part")
    part.write_text(text)
    part.rename(path)


def claims(**more):
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "shop", "scope": "predict",
            "exp": int(time.time()) + 600, **more}


class Tokens:
    def __init__(self, url, path, keys):
        self.url, self.path, self.keys = url, path, keys

    def sign(self, algorithm="EdDSA", suffix="", **more):
        key = self.keys[algorithm]
        return jwt.encode(claims(**more), key, algorithm, headers={"kid": algorithm + suffix})

    def get(self, path, token):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            answer = urllib.request.urlopen(request, timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.headers, answer.read().decode()


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    path, keys = tmp_path_factory.mktemp("tokens") / "keys.json", make_keys()
    put(path, key_set(keys))
    process = subprocess.Popen(
        [PROGRAM, "serve", MODEL, "--port", "0", "--json", "--log", "all", "--jwks", path,
         "--jwt-issuer", ISSUER, "--jwt-audience", AUDIENCE],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ})
    lines = ""
    while True:
        lines += process.stdout.readline()
        try:
            address = json.loads(lines)["address"]
            break
        except ValueError:
            assert process.poll() is None
    yield Tokens(f"http://{address}", path, keys)
    process.terminate()
    process.wait()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "EdDSA"])
def test_tokens_of_every_kind_of_key_are_taken(tokens, algorithm):
    status, _, text = tokens.get("/v2/models/v2-binary", tokens.sign(algorithm))
    assert status == 200, text


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "PS384", "PS512"])
def test_a_key_of_rsa_verifies_all_of_its_algorithms(tokens, algorithm):
    token = jwt.encode(claims(), tokens.keys["RS256"], algorithm, headers={"kid": "RS256"})
    assert tokens.get("/v2/models/v2-binary", token)[0] == 200


def test_scopes_decide_what_is_allowed(tokens):
    assert tokens.get("/metrics", tokens.sign())[0] == 403
    assert tokens.get("/metrics", tokens.sign(scope="openid modelwright:metrics"))[0] == 200
    assert tokens.get("/v2/models/v2-binary", tokens.sign(scope="other"))[0] == 403
    status, headers, text = tokens.get("/v2/models/v2-binary", None)
    assert status == 401 and headers["www-authenticate"] == "Bearer", text
    assert tokens.get("/v2/health/live", None)[0] == 200


def test_what_is_not_proved_is_refused_and_says_why(tokens):
    now = int(time.time())
    private = tokens.keys["RS256"]
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    part = lambda value: base64.urlsafe_b64encode(value).rstrip(b"=").decode()
    # PyJWT itself refuses to sign with a public key as a shared secret, so by hand.
    signed = part(b'{"alg":"HS256","kid":"RS256"}') + "." + part(json.dumps(claims()).encode())
    shared = signed + "." + part(hmac.new(pem, signed.encode(), hashlib.sha256).digest())
    stranger = make_keys()["RS256"]
    cases = [
        (tokens.sign(exp=now - 3600), "expired"),
        (tokens.sign(nbf=now + 3600), "nbf"),
        (tokens.sign(iss="https://id.example/other"), "issuer"),
        (tokens.sign(aud=["others"]), "audience"),
        (jwt.encode(claims(), None, "none"), "algorithm"),
        (jwt.encode(claims(), "a" * 64, "HS256"), "algorithm"),
        (shared, "algorithm"),
        (jwt.encode(claims(), stranger, "RS256", headers={"kid": "RS256"}), "signature"),
        (jwt.encode(claims(), private, "RS256", headers={"kid": "EdDSA"}), "does not fit"),
        (jwt.encode(claims(), private, "RS256", headers={"kid": "x"}), "not in the key set"),
        (tokens.sign()[:-4] + "AAAA", "signature"),
    ]
    for token, why in cases:
        status, headers, text = tokens.get("/v2/models/v2-binary", token)
        assert status == 401 and why in text, (why, text)
        assert headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert token not in text


def test_keys_are_exchanged_while_the_server_runs(tokens):
    before = tokens.sign()
    assert tokens.get("/v2/models/v2-binary", before)[0] == 200
    put(tokens.path, "no keys")
    time.sleep(1.2)
    assert tokens.get("/v2/models/v2-binary", before)[0] == 200
    keys = tokens.keys
    try:
        tokens.keys = make_keys()
        put(tokens.path, key_set(tokens.keys, "-2"))
        time.sleep(1.2)
        assert tokens.get("/v2/models/v2-binary", tokens.sign(suffix="-2"))[0] == 200
        assert tokens.get("/v2/models/v2-binary", before)[0] == 401
    finally:
        tokens.keys = keys
        put(tokens.path, key_set(keys))
        time.sleep(1.2)


def test_a_token_needs_issuer_and_audience_to_be_told(tmp_path):
    path = tmp_path / "keys.json"
    put(path, key_set(make_keys()))
    ask = [PROGRAM, "serve", MODEL, "--port", "0", "--jwks", path]
    ended = subprocess.run(ask, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2 and "jwt-issuer" in ended.stderr
    put(path, '{"keys": []}')
    more = ["--jwt-issuer", ISSUER, "--jwt-audience", AUDIENCE]
    ended = subprocess.run(ask + more, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2 and "no key" in ended.stderr
