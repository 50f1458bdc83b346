"""Polymetis' messages and services, written down as a table: no generated code, nothing of Polymetis is needed.

Field numbers, types and names are the protocol's. The messages live in a descriptor pool of their own, so that a
process may hold Polymetis' own bindings too. Must not import ROS or torch.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

ARM_SERVICE = "PolymetisControllerServer"
HAND_SERVICE = "GripperServer"
CHUNK_BYTES = 1024
"""A TorchScript archive travels in pieces of this size."""
LARGEST_CONTROLLER_BYTES = 1 << 20

_MESSAGES: dict[str, tuple[tuple[int, str, str], ...]] = {  # number, type, name; [] marks a repeated field
    "Empty": (),
    "LogInterval": ((1, "int32", "start"), (2, "int32", "end")),
    "ControllerChunk": ((1, "bytes", "torchscript_binary_chunk"),),
    "RobotClientMetadata": (
        (1, "string", "urdf_file"),
        (2, "int32", "hz"),
        (3, "float[]", "default_Kq"),
        (4, "float[]", "default_Kqd"),
        (5, "bytes", "default_controller"),
        (6, "int32", "dof"),
        (7, "string", "ee_link_name"),
        (8, "int32", "ee_link_idx"),
        (9, "float[]", "rest_pose"),
        (10, "string", "polymetis_version"),
        (11, "float[]", "default_Kx"),
        (12, "float[]", "default_Kxd"),
    ),
    "RobotState": (
        (1, "Timestamp", "timestamp"),
        (2, "float[]", "joint_positions"),
        (3, "float[]", "joint_velocities"),
        (4, "float[]", "joint_torques_computed"),
        (5, "float[]", "prev_joint_torques_computed"),
        (6, "float[]", "prev_joint_torques_computed_safened"),
        (7, "float[]", "motor_torques_measured"),
        (8, "float[]", "motor_torques_external"),
        (9, "float[]", "motor_torques_desired"),
        (10, "float", "prev_controller_latency_ms"),
        (11, "bool", "prev_command_successful"),
        (12, "int32", "error_code"),
    ),
    "TorqueCommand": ((1, "Timestamp", "timestamp"), (2, "float[]", "joint_torques")),
    "GripperMetadata": ((1, "string", "polymetis_version"), (2, "int32", "hz"), (3, "float", "max_width")),
    "GripperCommand": (
        (1, "Timestamp", "timestamp"),
        (2, "float", "width"),
        (3, "float", "speed"),
        (4, "float", "force"),
        (5, "bool", "grasp"),
        (6, "float", "epsilon_inner"),
        (7, "float", "epsilon_outer"),
    ),
    "GripperState": (
        (1, "Timestamp", "timestamp"),
        (2, "float", "width"),
        (3, "bool", "is_grasped"),
        (4, "bool", "is_moving"),
        (5, "int32", "error_code"),
        (6, "bool", "prev_command_successful"),
    ),
}

METHODS: dict[str, dict[str, tuple[str, str]]] = {  # service: method: (request, answer); "stream" before what streams
    ARM_SERVICE: {
        "SetController": ("stream ControllerChunk", "LogInterval"),
        "UpdateController": ("stream ControllerChunk", "LogInterval"),
        "TerminateController": ("Empty", "LogInterval"),
        "GetRobotState": ("Empty", "RobotState"),
        "GetRobotStateStream": ("Empty", "stream RobotState"),
        "GetRobotStateLog": ("LogInterval", "stream RobotState"),
        "GetEpisodeInterval": ("Empty", "LogInterval"),
        "GetRobotClientMetadata": ("Empty", "RobotClientMetadata"),
        "InitRobotClient": ("RobotClientMetadata", "Empty"),
        "ControlUpdate": ("RobotState", "TorqueCommand"),
    },
    HAND_SERVICE: {
        "GetRobotClientMetadata": ("Empty", "GripperMetadata"),
        "GetState": ("Empty", "GripperState"),
        "Goto": ("GripperCommand", "Empty"),
        "InitRobotClient": ("GripperMetadata", "Empty"),
        "ControlUpdate": ("GripperState", "GripperCommand"),
    },
}


def _classes() -> dict[str, Any]:
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="polymetis.proto", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, kind, field_name in fields:
            made = message.field.add(name=field_name, number=number)
            made.label = field.LABEL_REPEATED if kind.endswith("[]") else field.LABEL_OPTIONAL
            kind = kind.removesuffix("[]")
            if kind == "Timestamp":
                made.type, made.type_name = field.TYPE_MESSAGE, ".google.protobuf.Timestamp"
            else:
                made.type = getattr(field, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    if hasattr(message_factory, "GetMessageClass"):
        make = message_factory.GetMessageClass
    else:  # protobuf before 4.22, which Ubuntu 24.04 has
        make = message_factory.MessageFactory(pool).GetPrototype
    return {name: make(pool.FindMessageTypeByName(name)) for name in _MESSAGES}


_CLASSES = _classes()
Empty = _CLASSES["Empty"]
LogInterval = _CLASSES["LogInterval"]
ControllerChunk = _CLASSES["ControllerChunk"]
RobotClientMetadata = _CLASSES["RobotClientMetadata"]
RobotState = _CLASSES["RobotState"]
TorqueCommand = _CLASSES["TorqueCommand"]
GripperMetadata = _CLASSES["GripperMetadata"]
GripperCommand = _CLASSES["GripperCommand"]
GripperState = _CLASSES["GripperState"]


class Stub:
    """The methods of one service as callables, as gRPC's generated stubs have them: `stub.GetRobotState(Empty())`.

    Args:
        channel: A gRPC channel.
        service: :data:`ARM_SERVICE` or :data:`HAND_SERVICE`.
        single: Methods that take a stream are called with its only message instead, which is the same on the wire.
    """

    def __init__(self, channel: Any, service: str, *, single: bool = False) -> None:
        for method, (request, answer) in METHODS[service].items():
            call = getattr(channel, f"{'unary' if single else _side(request)}_{_side(answer)}")
            decode = message(answer).FromString
            encode = message(request).SerializeToString
            setattr(self, method, call(f"/{service}/{method}", request_serializer=encode, response_deserializer=decode))


def message(described: str) -> Any:
    """The message class that a request or answer of :data:`METHODS` names."""
    return _CLASSES[described.removeprefix("stream ")]


def _side(described: str) -> str:
    return "stream" if described.startswith("stream ") else "unary"


def service_handler(service: str, servicer: Any) -> Any:
    """A handler for `grpc.Server.add_generic_rpc_handlers` that answers with the methods of `servicer` of that name."""
    import grpc  # a client needs the channel it is given, and nothing of the server's side

    handlers = {}
    for method, (request, answer) in METHODS[service].items():
        make = getattr(grpc, f"{_side(request)}_{_side(answer)}_rpc_method_handler")
        encode = message(answer).SerializeToString
        decode = message(request).FromString
        handlers[method] = make(getattr(servicer, method), request_deserializer=decode, response_serializer=encode)
    return grpc.method_handlers_generic_handler(service, handlers)
