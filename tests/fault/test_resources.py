"""Threads, descriptors and name servers that fail for a moment: the failure ends with its cause."""

from __future__ import annotations

import pytest
from tests.fault.scenes import always, outcome, start

pytestmark = pytest.mark.linux


@pytest.fixture
def roots(tmp_path):
    """A file with a certificate."""
    import trustme

    path = tmp_path / "roots.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return path


def ends_well(program: str, *arguments: object) -> str:
    """Run a program. Returns what it printed."""
    code, out, err = outcome(start(program, *map(str, arguments)), 60.0)
    if err.startswith("skipped"):
        pytest.skip(err.strip())
    assert (code, err) == (0, "")
    return out


@pytest.mark.parametrize("scene", ["sync", "async", "async_first", "certificates"])
def test_a_moment_without_threads_is_named_and_does_not_outlast_itself(sim, scene, roots):
    sim.set_script(always())
    ends_well("no_threads.py", scene, sim.base_url, roots)


@pytest.mark.parametrize("setting", ["ca_bundle", "SSL_CERT_FILE", "SSL_CERT_DIR", "system"])
def test_certificates_that_no_descriptor_is_left_for_are_read_by_the_next_call(setting, roots):
    path = roots.parent if setting == "SSL_CERT_DIR" else roots
    ends_well("no_descriptors.py", setting, path)


def test_a_sync_call_that_no_descriptor_is_left_for_names_the_fix(sim):
    sim.set_script(always())
    ends_well("no_runtime.py", sim.base_url)


@pytest.mark.parametrize("count", [20, 100, 300])
def test_f05_names_that_hang_stop_no_other_name(count):
    assert ends_well("hanging_names.py", count) == "done\n"
