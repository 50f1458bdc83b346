"""A client of Polymetis, the real-time server of a Franka Panda, and a server of the same protocol to test it with."""

import os

# A server that goes away is told in our words; gRPC's own lines on stderr name its C++ files. Read when it is imported.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
