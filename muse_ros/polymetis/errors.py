"""What can go wrong between Muse and a Polymetis server, as one exception with a kind to decide by."""

from __future__ import annotations

from typing import Literal

Kind = Literal["unreachable", "no_robot", "no_controller", "refused", "late"]


class PolymetisError(RuntimeError):
    """A call to a Polymetis server failed; the message says what, where, what was found and what to do.

    Attributes:
        kind: What to decide by:
            ``unreachable``: nothing answers at the address, or the connection broke during the call;
            ``no_robot``: the server runs, and no robot client (the arm's side) has called it within the last second;
            ``no_controller``: no controller of a client's runs, the arm stands under the server's default controller;
            ``refused``: the server answered that it cannot do this, or with something that Muse cannot use;
            ``late``: no answer before the call's deadline; whether the server carried it out is not known.
    """

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind
