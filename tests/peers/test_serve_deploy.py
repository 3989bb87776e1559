"""The examples of `deploy/` that run the server: every word in them is one that is taken.

Kubernetes objects are validated against its published schemas; each command line goes through the
program's own reading (`--print-config`), and probes, ports and paths must be those that it has.
"""

import configparser
import json
import re
import shlex
import subprocess

import kubernetes_validate
import pytest
import requests
import tritonclient.grpc as triton
import yaml

from conftest import PROGRAM, ROOT
from test_serve import start, stop

DEPLOY = ROOT / "deploy"
KUBERNETES = "1.34"
# The members of `ServingRuntimeSpec` and of a `SupportedModelFormat` (KServe 0.15, v1alpha1).
RUNTIME = {"annotations", "affinity", "builtInAdapter", "containers", "disabled",
           "grpcDataEndpoint", "grpcEndpoint", "hostIPC", "httpDataEndpoint", "imagePullSecrets", "labels",
           "multiModel", "nodeSelector", "protocolVersions", "replicas", "storageHelper",
           "supportedModelFormats", "tolerations", "volumes", "workerSpec"}
FORMAT = {"name", "version", "autoSelect", "priority"}


def documents(name):
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def configuration(arguments):
    """What the program is told by a command line after its own name, as it reads it itself."""
    assert arguments[0] == "serve"
    ran = subprocess.run([PROGRAM, *arguments, "--print-config", "--json"], capture_output=True,
                         text=True, env={})
    assert ran.returncode == 0, ran.stderr
    return {name: entry["value"] for name, entry in json.loads(ran.stdout).items()}


def check_container(container, pod_annotations):
    """A container's arguments, ports and probes go together, and are those of the server."""
    # KServe fills in the name before the container begins.
    told = configuration([a.replace("{{.Name}}", "churn") for a in container["args"]])
    assert told["host"] == "0.0.0.0" and told["name"] == "churn"
    ports = {p.get("name"): p["containerPort"] for p in container["ports"]}
    assert told["port"] in ports.values()
    scraped = {k.rsplit("/", 1)[1]: v for k, v in pod_annotations.items()}
    assert scraped["port"] == str(told["port"])
    probes = [p["httpGet"] for name, p in container.items() if name.endswith("Probe")]
    for probe in probes:
        assert ports.get(probe["port"], probe["port"]) == told["port"]
    for mount in container.get("volumeMounts", []):
        # Beside the models there is only what a server with a read-only root may write.
        if mount["mountPath"] == "/tmp":
            assert not mount.get("readOnly", False)
            continue
        assert any(model.startswith(mount["mountPath"]) for model in told["models"])
    return [scraped["path"], *(p["path"] for p in probes)]


def unit(name):
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string((DEPLOY / name).read_text())
    return parser["Service"]


@pytest.fixture(scope="module")
def url():
    process, address = start(ROOT / "testdata" / "artifact" / "v2-binary.mw")
    yield f"http://{address}"
    stop(process)


def test_the_deployment_is_valid_and_probes_what_the_server_answers(url):
    deployment, service = documents("kubernetes.yaml")
    for document in (deployment, service):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    template = deployment["spec"]["template"]
    [container] = template["spec"]["containers"]
    paths = check_container(container, template["metadata"]["annotations"])
    assert len(paths) == 4
    for path in paths:
        assert requests.get(url + path).status_code == 200, path
    assert service["spec"]["selector"] == template["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"]
    assert service["spec"]["ports"][0]["targetPort"] in {p["name"] for p in container["ports"]}
    # A pod is killed only after the server has had its time to drain.
    drain = configuration(container["args"])["drain-time"]
    assert template["spec"]["terminationGracePeriodSeconds"] > int(drain.removesuffix("s"))


def test_the_runtime_of_kserve_is_one_and_speaks_what_it_says(url):
    runtime, service = documents("kserve.yaml")
    assert (runtime["kind"], runtime["apiVersion"]) == (
        "ClusterServingRuntime", "serving.kserve.io/v1alpha1")
    spec = runtime["spec"]
    assert set(spec) <= RUNTIME
    assert all(set(f) <= FORMAT for f in spec["supportedModelFormats"])
    # Its containers are those of any pod.
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"},
           "spec": {"containers": spec["containers"]}}
    kubernetes_validate.validate(pod, KUBERNETES, strict=True)
    [container] = spec["containers"]
    assert container["name"] == "kserve-container"
    # The conventions of KServe's own servers, which mean to ours what its own flags do.
    assert {"--model_name={{.Name}}", "--model_dir=/mnt/models"} <= set(container["args"])
    assert configuration([a.replace("{{.Name}}", "churn") for a in container["args"]])[
        "models"] == ["/mnt/models"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    for path in check_container(container, spec["annotations"]):
        assert requests.get(url + path).status_code == 200, path
    probed = {"v1": "/v1/models/v2-binary", "v2": "/v2/models/v2-binary/ready"}
    for protocol in set(spec["protocolVersions"]) - {"grpc-v2"}:
        assert requests.get(url + probed[protocol]).status_code == 200
    # gRPC is on the port of HTTP, which is the only one that the runtime opens.
    client = triton.InferenceServerClient(url.removeprefix("http://"))
    assert "grpc-v2" in spec["protocolVersions"] and client.is_model_ready("v2-binary")
    wanted = service["spec"]["predictor"]["model"]
    assert wanted["modelFormat"]["name"] in {f["name"] for f in spec["supportedModelFormats"]}
    assert wanted["protocolVersion"] in spec["protocolVersions"]


def test_the_unit_of_systemd_runs_what_the_program_takes():
    service = unit("modelwright.service")
    program, *arguments = shlex.split(service["ExecStart"])
    assert program == "/usr/local/bin/modelwright"
    told = configuration(arguments)
    assert told["models"] == [service["ReadOnlyPaths"]]
    # The end is waited for longer than the server drains.
    assert int(service["TimeoutStopSec"]) > int(told["drain-time"].removesuffix("s"))
    # Each connection is a file.
    assert int(service["LimitNOFILE"]) > 2 * told["max-connections"]
    text = (DEPLOY / "modelwright.service").read_text()
    for variable in re.findall(r"MODELWRIGHT_SERVE_[A-Z_]+", text):
        name = variable.removeprefix("MODELWRIGHT_SERVE_").lower().replace("_", "-")
        assert name in told, variable


def test_the_image_runs_what_the_program_takes_and_copies_what_there_is():
    lines = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text()).splitlines()
    said = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
    told = {}
    for word, rest in said:
        told.setdefault(word, []).append(rest)
    entry, arguments = json.loads(told["ENTRYPOINT"][-1]), json.loads(told["CMD"][-1])
    found = configuration(arguments)
    assert str(found["port"]) in told["EXPOSE"]
    assert found["models"] == ["/mnt/models"] and found["host"] == "0.0.0.0"
    for rest in told["COPY"]:
        *sources, target = rest.split()
        if sources[0].startswith("--from="):
            assert [target] == entry and sources[1].endswith("/dist/modelwright")
            continue
        for source in sources:
            assert (ROOT / source).exists(), source
    # The version and the profile are those of the workspace.
    manifest = (ROOT / "Cargo.toml").read_text()
    profile = re.search(r"--profile (\w+)", told["RUN"][0])[1]
    assert f"[profile.{profile}]" in manifest
    rust = re.search(r"rust:(\d+\.\d+)", told["FROM"][0])[1]
    assert re.search(r'rust-version = "([\d.]+)"', manifest)[1].startswith(rust)
    assert told["USER"] == ["65532:65532"] and told["STOPSIGNAL"] == ["SIGTERM"]


def test_a_project_every_night_is_a_valid_cron_job():
    [job] = documents("cronjob.yaml")
    kubernetes_validate.validate(job, KUBERNETES, strict=True)
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    mounts = [m["mountPath"] for m in container["volumeMounts"]]
    verb, project = container["args"]
    assert any(project.startswith(mount) for mount in mounts)
    helped = subprocess.run([PROGRAM, verb, "--help"], capture_output=True, text=True)
    assert helped.returncode == 0
