"""`ClientPool`: one client for each key, a bound, and never a closed client."""

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


def test_the_least_recently_used_client_is_evicted_and_stays_open():
    pool = ClientPool(max_clients=2)
    a, b = pool.get("a", make()), pool.get("b", make())
    assert pool.get("a", make()) is a
    pool.get("c", make())
    assert counts(pool) == {"size": 2, "hits": 1, "misses": 3, "evicted": 1}
    assert pool.get("a", make()) is a
    assert pool.get("b", make()) is not b
    assert not b._closed


def test_a_closed_client_is_replaced():
    pool = ClientPool()
    first = pool.get("a", make())
    first.close()
    second = pool.get("a", make())
    assert second is not first
    assert not second._closed


def test_close_all_closes_all_clients_and_the_pool_stays_usable():
    pool = ClientPool()
    held = [pool.get(key, make()) for key in "abc"]
    pool.close_all()
    assert [client._closed for client in held] == [True, True, True]
    assert len(pool) == 0
    assert not pool.get("a", make())._closed


def test_threads_that_ask_during_the_creation_of_a_client_get_that_client():
    pool = ClientPool()
    is_second = threading.Event()
    entered = threading.Event()
    got = []

    def first():
        entered.set()
        # No one else creates a client in the meantime, so this wait times out.
        is_second.wait(0.2)
        return make()()

    def second():
        is_second.set()
        return make()()

    threads = [threading.Thread(target=lambda: got.append(pool.get("a", first)))]
    threads[0].start()
    assert entered.wait(30)
    threads.append(threading.Thread(target=lambda: got.append(pool.get("a", second))))
    threads[1].start()
    for thread in threads:
        thread.join(30)
    assert not is_second.is_set()
    assert got[0] is got[1]


def test_a_failed_creation_leaves_nothing_behind():
    pool = ClientPool()
    with pytest.raises(LlmConfigError):
        pool.get("a", make(""))
    assert counts(pool) == {"size": 0, "hits": 0, "misses": 0, "evicted": 0}
    assert pool.get("a", make()).model == "m"


def test_a_creation_may_ask_the_pool():
    pool = ClientPool()
    outer = pool.get("a", lambda: pool.get("b", make()))
    assert pool.get("b", make()) is outer


@pytest.mark.parametrize("bound", [0, -1, True, 1.5, "3"])
def test_a_wrong_bound_is_refused(bound):
    with pytest.raises(LlmConfigError, match="max_clients"):
        ClientPool(bound)


def test_a_pickle_contains_only_the_bound():
    pool = ClientPool(7)
    pool.get("a", make())
    again = pickle.loads(pickle.dumps(pool))
    assert (again.max_clients, len(again)) == (7, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_does_not_wait_for_a_lock_of_its_parent():
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
