"""A client of Polymetis, the real-time server of a Franka Panda, and a server of the same protocol to test it with."""
