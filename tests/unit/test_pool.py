"""`ClientPool`: one client for a key, bounded, and never a closed one."""

from __future__ import annotations

import os
import pickle
import threading

import pytest

from tokenwire import ChatClient, ClientPool, LlmConfigError

ADDRESS = "http://127.0.0.1:9/v1"


def make(name="m"):
    return lambda: ChatClient(name, base_url=ADDRESS)


def counts(pool):
    return pool.stats().to_dict()


def test_the_same_key_gives_the_same_client():
    pool = ClientPool()
    first = pool.get("a", make())
    assert pool.get("a", make()) is first
    assert pool.get("b", make()) is not first
    assert counts(pool) == {"size": 2, "hits": 1, "misses": 2, "evicted": 0}


def test_the_one_unused_for_longest_makes_room_and_stays_open():
    pool = ClientPool(max_clients=2)
    a, b = pool.get("a", make()), pool.get("b", make())
    assert pool.get("a", make()) is a
    pool.get("c", make())
    assert counts(pool) == {"size": 2, "hits": 1, "misses": 3, "evicted": 1}
    assert pool.get("a", make()) is a
    assert pool.get("b", make()) is not b
    assert not b._closed


def test_a_client_that_was_closed_is_made_anew():
    pool = ClientPool()
    first = pool.get("a", make())
    first.close()
    second = pool.get("a", make())
    assert second is not first
    assert not second._closed


def test_close_all_closes_what_is_held_and_the_pool_goes_on():
    pool = ClientPool()
    held = [pool.get(key, make()) for key in "abc"]
    pool.close_all()
    assert [client._closed for client in held] == [True, True, True]
    assert len(pool) == 0
    assert not pool.get("a", make())._closed


def test_threads_that_come_while_a_client_is_made_get_that_one():
    pool = ClientPool()
    made_twice = threading.Event()
    entered = threading.Event()
    got = []

    def first():
        entered.set()
        # Nobody else makes one meanwhile: this wait runs out.
        made_twice.wait(0.2)
        return make()()

    def second():
        made_twice.set()
        return make()()

    threads = [threading.Thread(target=lambda: got.append(pool.get("a", first)))]
    threads[0].start()
    assert entered.wait(30)
    threads.append(threading.Thread(target=lambda: got.append(pool.get("a", second))))
    threads[1].start()
    for thread in threads:
        thread.join(30)
    assert not made_twice.is_set()
    assert got[0] is got[1]


def test_a_maker_that_fails_leaves_nothing_behind():
    pool = ClientPool()
    with pytest.raises(LlmConfigError):
        pool.get("a", make(""))
    assert counts(pool) == {"size": 0, "hits": 0, "misses": 0, "evicted": 0}
    assert pool.get("a", make()).model == "m"


def test_a_maker_may_ask_the_pool():
    pool = ClientPool()
    outer = pool.get("a", lambda: pool.get("b", make()))
    assert pool.get("b", make()) is outer


@pytest.mark.parametrize("bound", [0, -1, True, 1.5, "3"])
def test_a_bound_that_holds_nothing_is_refused(bound):
    with pytest.raises(LlmConfigError, match="max_clients"):
        ClientPool(bound)


def test_a_pickle_holds_the_bound_alone():
    pool = ClientPool(7)
    pool.get("a", make())
    again = pickle.loads(pickle.dumps(pool))
    assert (again.max_clients, len(again)) == (7, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_does_not_wait_for_a_lock_that_its_parent_held():
    pool = ClientPool()
    entered, leave = threading.Event(), threading.Event()

    def slow():
        entered.set()
        leave.wait(30)
        return make()()

    holder = threading.Thread(target=pool.get, args=("slow", slow))
    holder.start()
    assert entered.wait(30)
    child = os.fork()
    if child == 0:
        os._exit(7 if pool.get("a", make()).model == "m" else 1)
    _, status = os.waitpid(child, 0)
    leave.set()
    holder.join()
    assert os.waitstatus_to_exitcode(status) == 7
    assert len(pool) == 1
