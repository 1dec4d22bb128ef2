"""Every row of docs/drop-in.md does what it says, with the SDK or framework that it names."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.real.rows_of_documents import rows

if TYPE_CHECKING:
    from tests.real.rows_of_documents import Row

    from tokenwire.testing import SimServer

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

PROGRAM = Path(__file__).with_name("sdk_rows.py")
# Rows of older versions, and of what works with those only. The first two are run with both.
OLDER = {"anthropic 0", "openai 2, transport alone", "instructor"}
BOTH = {"openai 2 and 3", "openai 2 and 3, one name"}
RUNS = [
    (row, variable)
    for row in rows()
    for variable, runs in (
        ("ROWS_PYTHON", row.title not in OLDER),
        ("ROWS_OLDER_PYTHON", row.title in OLDER | BOTH),
    )
    if runs
]


@pytest.mark.parametrize(
    ("row", "variable"),
    RUNS,
    ids=[f"{row.title}{' (older)' * ('OLDER' in variable)}" for row, variable in RUNS],
)
def test_the_line_sends_its_calls_through_our_code(
    row: Row, variable: str, sim: SimServer, tmp_path: Path
) -> None:
    python = os.environ.get(variable)
    if not python:
        pytest.skip("no SDKs: `make test-rows` installs them")
    sim.set_script({"default": {"reply": {"text": "It is blue."}}})
    if row.title == "instructor":
        sim.set_script({})
    origin = sim.base_url.removesuffix("/v1")
    command = [python, str(PROGRAM), origin, row.title, row.line]
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "PYTHONPATH": str(PROGRAM.parents[2] / "python"),
    }
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-4000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert set(report.pop("texts")) == {"It is blue."}
    assert report.pop("connections") == len(sim.requests()) >= 1
    assert report.keys() == {"streams", "replies", "requests"} & set(row.gains)
