"""KServe's own clients, asked in their own environment: they disagree with other peers about versions.

Reads {"address", "model", "columns": [[name, datatype, values]], "instances"} as JSON on standard
input; writes what the clients read of the answers as JSON on standard output.
"""

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig


def request(wanted, binary):
    """One input for each column, as lists or as bytes behind the JSON."""
    inputs = []
    for name, datatype, values in wanted["columns"]:
        tensor = InferInput(name, [len(values)], datatype)
        if binary:
            kind = np.object_ if datatype == "BYTES" else np.float64
            tensor.set_data_from_numpy(np.array(values, kind), binary_data=True)
        else:
            tensor.data = values
        inputs.append(tensor)
    return InferRequest(wanted["model"], inputs, request_id="9")


def outputs(response):
    """What a caller gets: identity, and each output as NumPy reads it."""
    tensors = {}
    for output in response.outputs:
        values = output.as_numpy()
        if values.dtype == object:
            values = np.array([v.decode() if isinstance(v, bytes) else v for v in values.ravel()])
        tensors[output.name] = values.tolist()
    return {"id": response.id, "model": response.model_name, "outputs": tensors}


async def rest(wanted, protocol):
    url, model = f"http://{wanted['address']}", wanted["model"]
    async with InferenceRESTClient(RESTConfig(protocol=protocol)) as client:
        told = {"live": await client.is_server_live(url)}
        if protocol == "v1":
            told["ready"] = await client.is_model_ready(url, model)
            data = {"instances": wanted["instances"]}
            told["predict"] = await client.infer(url, data, model_name=model)
            told["explain"] = await client.explain(url, model, data)
            return told
        told["server"] = await client.is_server_ready(url)
        told["ready"] = await client.is_model_ready(url, model)
        for name, binary in [("json", False), ("binary", True)]:
            answer = await client.infer(url, request(wanted, binary), model_name=model)
            told[name] = outputs(answer)
        return told


async def grpc(wanted):
    async with InferenceGRPCClient(wanted["address"]) as client:
        return {
            "live": await client.is_server_live(),
            "server": await client.is_server_ready(),
            "ready": await client.is_model_ready(wanted["model"]),
            "json": outputs(await client.infer(request(wanted, False))),
            "binary": outputs(await client.infer(request(wanted, True))),
        }


async def main():
    wanted = json.load(sys.stdin)
    told = {"v1": await rest(wanted, "v1"), "v2": await rest(wanted, "v2"), "grpc": await grpc(wanted)}
    json.dump(told, sys.stdout)


asyncio.run(main())
