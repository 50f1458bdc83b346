"""What is posted to the control loop: done in order, by whoever runs it, and answered."""

import threading

import pytest

from muse_ros.arm.posted_tasks import PostedTasks


def test_tasks_run_in_their_order_and_answer_with_their_result_or_exception():
    tasks, done = PostedTasks(), []
    first, second = tasks.post(lambda: done.append(1) or "one"), tasks.post(lambda: done.append(2) or 1 / 0)
    assert not first.done() and done == []
    tasks.run()
    assert done == [1, 2] and first.result() == "one"
    with pytest.raises(ZeroDivisionError):
        second.result()


def test_a_task_that_posts_another_has_it_run_too():
    tasks, done = PostedTasks(), []
    tasks.post(lambda: tasks.post(lambda: done.append("inner")))
    tasks.run()
    assert done == ["inner"]


def test_a_task_that_its_owner_gave_up_is_never_done():
    tasks, done = PostedTasks(), []
    given_up, wanted = tasks.post(lambda: done.append("given up")), tasks.post(lambda: done.append("wanted"))
    assert given_up.cancel()
    tasks.run()
    assert done == ["wanted"] and wanted.done()


def test_a_wait_ends_with_a_task_or_when_it_is_woken_and_told_so():
    tasks, ended = PostedTasks(), threading.Event()
    tasks.post(lambda: None)
    tasks.wait(30.0, lambda: False)
    tasks.run()
    waiter = threading.Thread(target=tasks.wait, args=(30.0, ended.is_set))
    waiter.start()
    ended.set()
    tasks.wake()
    waiter.join(20.0)
    assert not waiter.is_alive()
