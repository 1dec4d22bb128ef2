"""Compare tokenwire with other clients: one server, interleaved rounds, medians, gates.

python benches/peers/run.py                    # the short list (make bench)
python benches/peers/run.py --all              # every peer (make bench-peers)
python benches/peers/run.py --scenario burst8-asyncio --only tokenwire --rounds 3
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contestants import CONTESTANTS, OURS, Contestant
from machine import describe
from payloads import digest_of
from report import Results, markdown
from scenarios import SCENARIOS, Scenario
from simulator import SimulatorProcess, raise_file_limit
from tls_server import make_certificates
from venvs import NotInstalled, python_of

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
LIMIT_S = 150

IMPORT = """
import sys, time, resource
def kib():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize() // 1024
{before}
before, rss, cpu, wall = set(sys.modules), kib(), time.process_time(), time.perf_counter()
{statement}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
own = sys.modules.keys() - before
print('{{"wall_ms": %f, "cpu_ms": %f, "rss_mib": %f, "modules": %d, "heavy": "%s"}}' % (
    wall * 1e3, cpu * 1e3, (kib() - rss) / 1024, len(own),
    " ".join(sorted(own & {{"pydantic", "asyncio", "dataclasses"}}))))
"""


def main() -> int:
    """Run what was asked for, print the tables, and write them to files."""
    asked = arguments()
    raise_file_limit()
    if asked.realtime:
        # The server and the contestants get priority, so other work on the machine waits.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    contestants = [
        one
        for one in CONTESTANTS
        if (asked.all or one.is_short) and (not asked.only or one.name in asked.only)
    ]
    scenarios = [one for one in SCENARIOS if not asked.scenario or one.name in asked.scenario]
    facts = {**describe(), "scheduling": "SCHED_RR" if asked.realtime else "as all else"}
    results = Results(facts, " ".join(["python", *sys.argv]), asked.rounds)
    pythons = environments(contestants, results)
    with tempfile.TemporaryDirectory() as folder, SimulatorProcess() as sim:
        track = Track(sim, Path(folder), pythons, results)
        for scenario in scenarios:
            track.run(scenario, contestants, asked.rounds)
    results.finish()
    text = markdown(results)
    print(text)
    if not asked.no_write:
        RESULTS.mkdir(exist_ok=True)
        write(results, text)
    return 0 if not asked.gate or results.passes() else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every peer, not only the short list")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", help="this contestant (may be repeated)")
    parser.add_argument("--scenario", action="append", help="this scenario (may be repeated)")
    parser.add_argument(
        "--realtime", action="store_true", help="before all else on a shared machine (needs root)"
    )
    parser.add_argument("--gate", action="store_true", help="fail when a gate is missed")
    parser.add_argument("--no-write", action="store_true", help="leave benches/results alone")
    return parser.parse_args()


def environments(contestants: list[Contestant], results: Results) -> dict[str, Path]:
    """Make the environments. One that cannot be made is shown with the reason."""
    pythons: dict[str, Path] = {}
    for name in dict.fromkeys(one.environment for one in contestants):
        try:
            pythons[name] = python_of(name)
        except NotInstalled as reason:
            results.cannot_install[name] = str(reason)
    return pythons


def write(results: Results, text: str) -> None:
    """Write the tables, the raw numbers and the plot."""
    from plot import svg

    (RESULTS / "latest.md").write_text(text, encoding="utf-8")
    (RESULTS / "latest.json").write_text(
        json.dumps(results.raw(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (RESULTS / "peers.svg").write_text(svg(results), encoding="utf-8")


class Track:
    """Where the contestants run: the server, and one process for each measurement."""

    def __init__(
        self, sim: SimulatorProcess, folder: Path, pythons: dict[str, Path], results: Results
    ) -> None:
        self._sim = sim
        self._folder = folder
        self._pythons = pythons
        self._results = results

    def run(self, scenario: Scenario, contestants: list[Contestant], rounds: int) -> None:
        """Run all rounds of one scenario. Each round starts with another contestant."""
        taking_part = [one for one in contestants if self._takes_part(scenario, one)]
        self._sim.set_script(scenario.script)
        cpus = os.sched_getaffinity(0)
        if scenario.pins:
            self._sim.pin({scenario.pins[1]})
        dropped: set[str] = set()
        for number in range(rounds):
            shift = number % max(1, len(taking_part))
            for one in taking_part[shift:] + taking_part[:shift]:
                if one.name in dropped:
                    continue
                result = self._measure(scenario, one)
                self._results.add(scenario, one.name, result)
                if "unsupported" in result:
                    dropped.add(one.name)
                say(scenario, number, one, result)
        if scenario.pins:
            self._sim.pin(cpus)

    def _takes_part(self, scenario: Scenario, one: Contestant) -> bool:
        if one.environment not in self._pythons or (
            scenario.only and one.name not in scenario.only
        ):
            return False
        if one.kinds and scenario.kind not in one.kinds:
            return False
        if scenario.kind == "import":
            return bool(one.statement)
        return one.has_sync or scenario.kind in {"stream_async", "paced_async", "ask_async"}

    def _measure(self, scenario: Scenario, one: Contestant) -> dict[str, Any]:
        python = str(self._pythons[one.environment])
        if scenario.kind == "import":
            return self._imports(python, one)
        spec = {**scenario.spec, "kind": scenario.kind, "loop": one.loop}
        if scenario.amount:
            spec[scenario.amount] = max(1, round(spec[scenario.amount] * one.share))
            if scenario.kind == "ask_async":
                spec["requests"] = max(200, spec["requests"])
        command = [python, str(HERE / "workers" / f"{one.worker}.py")]
        if scenario.pins:
            command = ["taskset", "-c", str(scenario.pins[0]), *command]
        server_cpu = self._sim.cpu_seconds()
        for base_url, more in self._servers(scenario):
            result = call(command, {**spec, "base_url": base_url}, {**one.variables, **more})
        result["server_cpu_s"] = self._sim.cpu_seconds() - server_cpu
        if "unsupported" not in result and scenario.kind != "tls":
            self._check(scenario, spec, result)
        return result

    def _servers(self, scenario: Scenario) -> Iterator[tuple[str, dict[str, str]]]:
        if scenario.kind != "tls":
            yield self._sim.base_url, {}
            return
        bundle = self._folder / "bundle.pem"
        if not bundle.exists():
            make_certificates(self._folder)
        server = subprocess.Popen(
            [sys.executable, str(HERE / "tls_server.py"), str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        yield f"https://localhost:{port}/v1", {"SSL_CERT_FILE": str(bundle)}
        server.stdin.close()
        server.wait(10)

    def _imports(self, python: str, one: Contestant) -> dict[str, Any]:
        code = IMPORT.format(before=one.before, statement=one.statement)
        runs = [run_code(python, code) for _ in range(3 + 1)]
        if "unsupported" in runs[0]:
            return runs[0]
        # The first run may have written bytecode.
        return min(runs[1:], key=lambda run: float(run["wall_ms"]))

    def _check(self, scenario: Scenario, spec: dict[str, Any], result: dict[str, Any]) -> None:
        """Compare what was read with what was sent. A difference spoils the measurement."""
        if scenario.replay and result["vectors"] != digest_of(scenario.replay):
            result["wrong"] = "the vectors are not those that were sent"
        if "texts" not in result and "reply" not in result:
            return
        ask = spec.get("request") or {"messages": [{"role": "user", "content": PROMPT}]}
        text, reply = self._sim.expected(ask, spec["tokens"])
        if "texts" in result:
            lost = {name: n for name, n in result.pop("texts").items() if name != text}
            missing = spec["streams"] - result.get("right", 0) if lost else 0
            result["wrong_streams"] = sum(lost.values())
            if missing and lost:
                result["wrong"] = f"{lost} instead of {text}"
        elif result["reply"] != reply:
            result["wrong"] = f"{result['reply']} instead of {reply}"
        if result.get("failed"):
            result["wrong"] = "; ".join(result["failed"])


PROMPT = "Tell a long story about a river and a bridge."


def call(command: list[str], spec: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    """Run a worker to its end. If it fails, the reason is kept and the run goes on."""
    # The contestants must reach the server, not a proxy of this machine.
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    clean.pop("PYTHONPATH", None)
    environment = {**clean, "OPENAI_API_KEY": "sk-bench", "NO_PROXY": "*", **variables}
    try:
        done = subprocess.run(
            command,
            input=json.dumps(spec),
            capture_output=True,
            text=True,
            env=environment,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"unsupported": f"did not end within {LIMIT_S} s"}
    return outcome(done)


def run_code(python: str, code: str) -> dict[str, Any]:
    # Where no bytecode is written, the compiler would be measured.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return outcome(
        subprocess.run(
            [python, "-c", code], capture_output=True, text=True, env=environment, check=False
        )
    )


def outcome(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        found: dict[str, Any] = json.loads(lines[-1])
        return found
    errors = done.stderr.strip().splitlines()
    return {"unsupported": (errors[-1] if errors else f"exit status {done.returncode}")[:200]}


def say(scenario: Scenario, number: int, one: Contestant, result: dict[str, Any]) -> None:
    value = result.get("unsupported") or f"{result[scenario.metric]:.2f} {scenario.unit}"
    wrong = f"  WRONG: {result['wrong'][:120]}" if "wrong" in result else ""
    stamp = time.strftime("%H:%M:%S")
    print(f"{stamp} {scenario.name} {number + 1} {one.name}: {value}{wrong}", file=sys.stderr)


if __name__ == "__main__":
    if OURS not in {one.name for one in CONTESTANTS}:
        raise SystemExit("the table of contestants has lost its first row")
    sys.exit(main())
