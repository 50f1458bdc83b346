"""The DDS fixtures themselves: two nodes of one test hear each other, and a condition is waited for."""

import pytest

pytest.importorskip("rclpy")


def test_two_nodes_of_a_test_hear_each_other(make_node, spin, wait_until):
    from std_msgs.msg import String

    heard = []
    listener = make_node("listener")
    listener.create_subscription(String, "words", lambda message: heard.append(message.data), 10)
    spin(listener)
    talker = make_node("talker")
    publisher = talker.create_publisher(String, "words", 10)
    wait_until(lambda: publisher.get_subscription_count() == 1, what="discovery")
    publisher.publish(String(data="hello"))
    wait_until(lambda: heard == ["hello"], what="the message")


def test_a_service_is_called_and_answers(make_node, spin, call):
    from std_srvs.srv import Trigger

    def answer(request, response):
        response.success, response.message = True, "done"
        return response

    server = make_node("server")
    server.create_service(Trigger, "work", answer)
    client = make_node("client")
    spin(server, client)
    assert call(client, Trigger, "work").message == "done"
