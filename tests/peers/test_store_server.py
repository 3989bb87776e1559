"""A store on a real PostgreSQL server: encrypted, with a password, started anew in the middle of things."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest
from conftest import PROGRAM

PROGRAMS = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
pytestmark = pytest.mark.skipif(not PROGRAMS, reason="Debian's package postgresql is not installed")


class Server:
    """A server that only listens on this machine; it refuses to run as root."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mwpg", dir="/tmp"))
        self.user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-addext", "basicConstraints=critical,CA:FALSE",
                        "-keyout", self.folder / "key.pem", "-out", self.folder / "cert.pem"],
                       check=True, capture_output=True)
        (self.folder / "password").write_text("s3cret\n")
        if self.user:
            subprocess.run(["chown", "-R", "postgres", self.folder], check=True)
        self.folder.chmod(0o755)
        os.chmod(self.folder / "key.pem", 0o600)
        self.run("initdb", "-D", "data", "-U", "ada", "-A", "scram-sha-256", "-N",
                 "--pwfile", "password", "-E", "UTF8", "--locale=C")
        self.port = 20000 + os.getpid() % 20000
        self.start()

    def command(self, name, *arguments):
        return [*self.user, str(PROGRAMS[-1] / name), *map(str, arguments)]

    def run(self, name, *arguments):
        subprocess.run(self.command(name, *arguments), cwd=self.folder, check=True,
                       capture_output=True)

    def start(self):
        self.process = subprocess.Popen(
            self.command("postgres", "-D", "data", "-k", self.folder, "-p", self.port,
                         "-c", "listen_addresses=localhost", "-c", "fsync=off", "-c", "ssl=on",
                         "-c", f"ssl_cert_file={self.folder}/cert.pem",
                         "-c", f"ssl_key_file={self.folder}/key.pem"),
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            if subprocess.run(self.command("pg_isready", "-h", "localhost", "-p", self.port),
                              capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def stop(self):
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGINT)
        self.process.wait()

    def url(self, **more):
        asked = {"sslmode": "require", "sslrootcert": self.folder / "cert.pem",
                 "cache": self.folder.parent / f"{self.folder.name}-cache", **more}
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        return f"postgres://ada@localhost:{self.port}/postgres?{query}"


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.stop()
    shutil.rmtree(server.folder)
    shutil.rmtree(f"{server.folder}-cache", ignore_errors=True)


def modelwright(store, *arguments, check=True, password="s3cret"):
    environment = {**os.environ, "MODELWRIGHT_STORE": store, "PGPASSWORD": password}
    done = subprocess.run([str(PROGRAM), *map(str, arguments)], capture_output=True, text=True,
                          env=environment)
    assert not check or done.returncode == 0, done.stderr
    assert "panicked" not in done.stderr
    return done


def test_runs_and_models_of_one_machine_are_there_for_another(server, wine, tmp_path):
    here, there = server.url(), server.url(cache=tmp_path / "another-machine")
    modelwright(here, "models", "register", "wine", wine.folder, "--alias", "champion")
    modelwright(here, "evaluate", "wine@champion", wine.test)
    (run,) = json.loads(modelwright(there, "runs", "search", "kind = evaluate", "--json").stdout)
    assert run["status"] == "finished" and run["metrics"]
    answers = [modelwright(store, "predict", place, wine.test).stdout
               for store, place in ((there, "wine@champion"), (here, wine.folder))]
    assert answers[0] == answers[1]
    shown = json.loads(modelwright(there, "models", "list", "wine", "--json").stdout)
    assert shown[0]["aliases"] == ["champion"]


def test_who_cannot_come_in_is_told_why_and_no_password_is_shown(server):
    done = modelwright(server.url(), "runs", "list", check=False, password="wr0ng")
    assert done.returncode == 2 and "does not let this user in" in done.stderr
    plain = server.url().replace(f"sslrootcert={server.folder}/cert.pem", "")
    done = modelwright(plain, "runs", "list", check=False)
    assert done.returncode != 0 and "cannot be reached" in done.stderr
    assert "certificate" in done.stderr.lower()
    secret = server.url().replace("ada@", "ada:s3cret@").replace("/postgres?", "/absent?")
    done = modelwright(secret, "runs", "list", check=False)
    assert done.returncode == 2 and "no such database" in done.stderr
    assert "s3cret" not in done.stderr


def test_a_server_that_starts_anew_during_a_fit_loses_nothing(server, wine, tmp_path):
    environment = {**os.environ, "MODELWRIGHT_STORE": server.url(), "PGPASSWORD": "s3cret"}
    fit = subprocess.Popen([str(PROGRAM), "fit", str(wine.train), "--target", "quality", "--time",
                            "8s", "--preset", "quick", "--out", str(tmp_path / "again")],
                           env=environment, stderr=subprocess.PIPE, text=True)
    for _ in range(100):
        found = modelwright(server.url(), "runs", "search", "status = running", "--json").stdout
        if json.loads(found):
            break
        time.sleep(0.1)
    server.stop()
    server.start()
    _, said = fit.communicate()
    assert fit.returncode == 0, said
    (run, *_) = json.loads(modelwright(server.url(), "runs", "search", "kind = fit", "--json").stdout)
    assert run["status"] == "finished" and run["metrics"], said
