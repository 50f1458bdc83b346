"""A URDF's kinematics against Muse's, and against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.control.kinematics import PandaKinematics
from muse_ros.polymetis.urdf_chain import SAME_ARM, UrdfChain, UrdfError, largest_difference

ORIGINS = (  # Franka's published ones: xyz [m], roll [quarter turns]
    ("0 0 0.333", 0),
    ("0 0 0", -1),
    ("0 -0.316 0", 1),
    ("0.0825 0 0", 1),
    ("-0.0825 0.384 0", -1),
    ("0 0 0", 1),
    ("0.088 0 0", 1),
)


def panda(prefix: str = "panda", change: tuple[str, str] = ("", "")) -> str:
    joints = [
        f'<joint name="mount" type="fixed"><parent link="world"/><child link="{prefix}_link0"/>'
        '<origin xyz="1 2 3" rpy="0 0 1"/></joint>'
    ]
    for number, (xyz, quarters) in enumerate(ORIGINS, 1):
        joints.append(
            f'<joint name="{prefix}_joint{number}" type="revolute"><origin rpy="{quarters * 1.57079632679} 0 0"'
            f' xyz="{xyz}"/><parent link="{prefix}_link{number - 1}"/><child link="{prefix}_link{number}"/>'
            '<axis xyz="0 0 1"/><limit lower="-2.8" upper="2.8" effort="87" velocity="2.175"/></joint>'
        )
    joints.append(
        f'<joint name="flange" type="fixed"><origin rpy="0 0 0" xyz="0 0 0.107"/><parent link="{prefix}_link7"/>'
        f'<child link="{prefix}_link8"/></joint>'
    )
    joints.append(
        f'<joint name="hand" type="fixed"><origin rpy="0 0 -0.785398163397" xyz="0 0 0"/>'
        f'<parent link="{prefix}_link8"/><child link="{prefix}_hand"/></joint>'
    )
    text = f"<robot name='arm'>{''.join(joints)}</robot>"
    return text.replace(*change) if change[0] else text


def test_a_bent_elbow_is_where_it_was_worked_out_to_be():
    urdf = """<robot>
      <joint name="a" type="revolute"><parent link="base"/><child link="upper"/><axis xyz="0 0 2"/>
        <limit lower="-1" upper="2"/></joint>
      <joint name="b" type="continuous"><origin xyz="1 0 0" rpy="0 0 0"/><parent link="upper"/><child link="lower"/>
        <axis xyz="0 0 1"/></joint>
      <joint name="c" type="fixed"><origin xyz="0.5 0 0"/><parent link="lower"/><child link="tip"/></joint></robot>"""
    chain = UrdfChain(urdf, "tip")
    T = chain.forward(np.array([np.pi / 2, np.pi / 2]))  # up the y axis by 1, then back along x by 0.5
    assert np.allclose(T[:3, 3], [-0.5, 1.0, 0.0])
    assert np.allclose(T[:3, 0], [-1.0, 0.0, 0.0])
    assert (chain.base, chain.joint_names) == ("base", ["a", "b"])
    assert (chain.lower.tolist(), chain.upper.tolist()) == ([-1.0, -np.inf], [2.0, np.inf])


def test_rpy_turns_about_fixed_axes_roll_first():
    urdf = """<robot><joint name="a" type="revolute"><origin rpy="1.5707963267948966 0 1.5707963267948966"/>
      <parent link="base"/><child link="tip"/><axis xyz="1 0 0"/><limit lower="-1" upper="1"/></joint></robot>"""
    T = UrdfChain(urdf, "tip").forward(np.zeros(1))
    # roll takes y to z and z to -y; yaw then takes x to y, and -y to x
    assert np.allclose(T[:3, :3], [[0, 0, 1], [1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("tip", ["panda_link8", "panda_hand"])
def test_muse_agrees_with_the_published_arm_to_a_micrometre(tip: str):
    assert largest_difference(panda(), PandaKinematics(), tip) < 1e-6


def test_an_arm_of_another_name_agrees_too():
    assert largest_difference(panda("fr3"), PandaKinematics(), "fr3_link8") < 1e-6


LONGER_FOREARM = ("0.384", "0.385")
SHORTER_FLANGE = ("0 0 0.107", "0 0 0.106")
TURNED_JOINT = (' rpy="-1.57079632679', ' rpy="-1.56')


@pytest.mark.parametrize(("change", "at_least"), [(LONGER_FOREARM, 9e-4), (SHORTER_FLANGE, 9e-4), (TURNED_JOINT, 9e-3)])
def test_a_millimetre_or_half_a_degree_of_difference_is_found(change: tuple[str, str], at_least: float):
    assert largest_difference(panda(change=change), PandaKinematics()) > at_least > SAME_ARM


def test_an_arm_whose_angles_were_rounded_is_the_same():
    assert largest_difference(panda(change=("1.57079632679", "1.5708")), PandaKinematics()) < SAME_ARM


@pytest.mark.parametrize(
    ("urdf", "tip", "message"),
    [
        ("<robot", "panda_link8", "no XML"),
        ("<robot/>", "panda_link8", "no joint leads to a link 'panda_link8'"),
        (panda(), "panda_link7", "link7"),
        (panda(), "panda_link5", "5 joints lead from 'panda_link0'"),
        (panda(change=('type="revolute"', 'type="prismatic"')), "panda_link8", "does not turn"),
        (panda(change=('xyz="0 0 0.107"', 'xyz="0 0"')), "panda_link8", "not three numbers"),
    ],
)
def test_what_cannot_be_compared_is_said(urdf: str, tip: str, message: str):
    with pytest.raises(UrdfError, match=message):
        largest_difference(urdf, PandaKinematics(), tip)
