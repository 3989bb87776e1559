"""Alerts by mail, as a real server of mail takes them: aiosmtpd with TLS and passwords, Python's email parser."""

import datetime
import email
import email.policy
import socket
import ssl
import subprocess

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from conftest import modelwright


class Box:
    """Keeps what it is sent, and can refuse."""

    def __init__(self):
        self.letters, self.answer = [], "250 kept"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            self.letters.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return self.answer


def login(server, session, envelope, mechanism, data):
    is_known = (data.login, data.password) == (b"ada", b"s3cret")
    return AuthResult(success=is_known, handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-addext", "basicConstraints=critical,CA:FALSE",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, capture_output=True)
    return folder


@pytest.fixture
def server(certificate):
    box = Box()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="localhost", port=port, tls_context=context,
                            require_starttls=True, authenticator=login, auth_required=True)
    controller.start()
    yield box, port, certificate
    controller.stop()


def rules(folder, port, certificate, more=""):
    path = folder / "rules.toml"
    path.write_text(f"""
[[rule]]
name = "Ausschläge bei den Größen, die über einen langen Namen hinweg kodiert werden müssen"
when = "drift"
[[sink]]
name = "on call"
kind = "email"
url = "smtp://localhost:{port}?ca={certificate}/cert.pem"
from = "mw@example.org"
recipients = ["ops@example.org", "ada@example.org"]
user = "ada"
password = "env:MODELWRIGHT_TEST_PASSWORD"
{more}
""")
    return path


def test_a_letter_arrives_encrypted_and_is_read_by_a_mail_program(server, tmp_path, monkeypatch):
    box, port, certificate = server
    monkeypatch.setenv("MODELWRIGHT_TEST_PASSWORD", "s3cret")
    modelwright("alerts", "test", rules(tmp_path, port, certificate))
    ((sender, recipients, content),) = box.letters
    assert sender == "mw@example.org" and recipients == ["ops@example.org", "ada@example.org"]
    letter = email.message_from_bytes(content, policy=email.policy.default)
    assert letter["Subject"].startswith("[test] none: a test of the sinks")
    assert letter["To"] == "ops@example.org, ada@example.org"
    assert letter["Auto-Submitted"] == "auto-generated"
    age = datetime.datetime.now(datetime.timezone.utc) - letter["Date"].datetime
    assert abs(age) < datetime.timedelta(minutes=5)
    assert "Nothing happened" in letter.get_content()
    assert not letter.defects


def test_a_wrong_password_and_an_unknown_certificate_send_nothing(server, tmp_path, monkeypatch):
    box, port, certificate = server
    monkeypatch.setenv("MODELWRIGHT_TEST_PASSWORD", "wrong")
    path = rules(tmp_path, port, certificate)
    done = modelwright("alerts", "test", path, check=False)
    assert done.returncode != 0 and "535" in done.stdout + done.stderr
    assert "wrong" not in done.stdout + done.stderr
    monkeypatch.setenv("MODELWRIGHT_TEST_PASSWORD", "s3cret")
    path.write_text(path.read_text().replace(f"?ca={certificate}/cert.pem", ""))
    done = modelwright("alerts", "test", path, check=False)
    assert done.returncode != 0 and "certificate" in done.stdout + done.stderr
    assert not box.letters
