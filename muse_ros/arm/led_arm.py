"""An arm that is led through a driver: where it stands between a start, a fault, a silence, a hand that guides it.

What the control loop needs to know of an arm besides who has it. A driver that fails stops the arm, latched, until it
is recovered; one whose state is stale lets it hold. Pure: no clocks, no threads. Must not import rclpy.
"""

from __future__ import annotations

from muse_core.control.state import RobotState, SetPoint
from muse_ros.arm.arm_control import ArmControl
from muse_ros.arm.drivers.driver import Driver, DriverError, StaleState


class LedArm:
    """One arm, its driver and its control.

    Args:
        driver: Of the arm.
        control: Decides set-points.

    Attributes:
        fault: What the driver said when it could no longer lead the arm; empty where it can.
        stale: What it said when the state was too old to move on; empty where it is not.
        guided: Whether a person leads the arm by hand.
        state: What the arm measured last.
    """

    def __init__(self, driver: Driver, control: ArmControl) -> None:
        self._driver, self._control = driver, control
        self.fault = ""
        self.stale = ""
        self.guided = False
        self.state: RobotState | None = None

    def start(self) -> None:
        """Lead the arm from where it is measured.

        Raises:
            DriverError: where the driver cannot.
        """
        self._driver.start()
        self.anchor()

    def recover(self) -> None:
        """Bring the arm back after a fault, and stand where it is measured.

        Raises:
            DriverError: where the driver cannot.
        """
        self._driver.recover()
        self.anchor()
        self.fault = ""

    def stop(self) -> None:
        """Leave the arm alone; it stands under what holds it without us.

        Raises:
            DriverError: where the driver cannot be sure of that.
        """
        self.guided = False
        self._driver.stop()

    def fail(self, error: DriverError) -> None:
        """Take a failure of the driver for a fault: the arm is stopped, latched."""
        self.fault, self.guided, self.stale = str(error), False, ""
        self._control.stop()

    def look(self) -> None:
        """Read the arm into `state`; a stale one stays as it was, and nobody leads the arm on it.

        Raises:
            DriverError: where the arm is lost, or stopped itself.
        """
        try:
            self.state, self.stale = self._driver.read(), ""
        except StaleState as error:
            self.stale = str(error)
            if self.state is None:
                raise

    def send(self, set_point: SetPoint, period_s: float) -> None:
        """Have the arm go to a set-point over the next `period_s` [s].

        Raises:
            DriverError: where the driver cannot.
        """
        self._driver.send(set_point, period_s)

    def guide(self) -> str:
        """Let a person lead the arm by hand; returns why not, or an empty text."""
        why_not = self.fault or self.stale or self._control.occupied
        if why_not or self.guided:
            return why_not
        try:
            self._driver.guide(True)
        except DriverError as error:
            return str(error)
        self.guided = True
        return ""

    def hold(self) -> bool:
        """End the guidance: the arm stands where it then is measured; returns whether it was guided.

        Raises:
            DriverError: where the driver cannot.
        """
        if not self.guided:
            return False
        self.guided = False
        self._driver.guide(False)
        self.anchor()
        self._control.await_release()
        return True

    def anchor(self) -> None:
        """Stand where the arm is measured, with every action forgotten: it was moved by something else.

        Raises:
            DriverError: where it cannot be read, or what was read is stale.
        """
        self.look()
        if self.stale:
            raise DriverError(self.stale)
        self._control.anchor(self.state)
