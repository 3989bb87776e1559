"""The standard clients of gRPC's health service and reflection against `modelwright serve`."""

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from test_serve import start, stop

INFERENCE = "inference.GRPCInferenceService"


@pytest.fixture(scope="module")
def address(wine):
    process, address = start(f"wine={wine.folder}")
    yield address
    stop(process)


def test_the_health_client_hears_that_the_server_serves(address):
    with grpc.insecure_channel(address) as channel:
        client = health_pb2_grpc.HealthStub(channel)
        for service in ["", INFERENCE]:
            answer = client.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as unknown:
            client.Check(health_pb2.HealthCheckRequest(service="shop.Till"), timeout=10)
        assert unknown.value.code() == grpc.StatusCode.NOT_FOUND
        watched = client.Watch(health_pb2.HealthCheckRequest(service=INFERENCE), timeout=10)
        assert next(watched).status == health_pb2.HealthCheckResponse.SERVING
        watched.cancel()


def test_the_reflection_client_finds_services_and_their_messages(address):
    with grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert {INFERENCE, "grpc.health.v1.Health"} <= set(database.get_services())
        pool = DescriptorPool(database)
        methods = pool.FindServiceByName(INFERENCE).methods_by_name
        assert {"ModelInfer", "ModelStreamInfer", "ServerLive"} <= set(methods)
        fields = methods["ModelInfer"].input_type.fields_by_name
        assert {"model_name", "inputs", "raw_input_contents"} <= set(fields)
