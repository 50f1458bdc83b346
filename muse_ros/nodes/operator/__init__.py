"""The operator's side of the teleop node: window, buttons, and the verbs that they call."""
