"""Count instructions under valgrind: an await step over buffered text, a reply, an event.

    python benches/callgrind.py             # compare with benches/callgrind.json, at most 3 % more
    python benches/callgrind.py --keep      # write the counts as the new budget
    python benches/callgrind.py --growth    # only whether hostile replies cost linear time
    python benches/callgrind.py --growth --shape calls

Instruction counts do not depend on the machine's load, so 3 % more of them is 3 % more work. They
do depend on the versions of Python and the compiler, which are part of the budget. An event of
another API also has a limit in events of chat, `TIMES_CHAT`.

The growth of a reply's cost is that from n to 2n repetitions of each thing in `hostile.py` and its
kin for the other APIs, through the whole core. The ratio of the two counts, each without the cost
of a small reply, is at most 2.2. Each byte costs at most 2,000 instructions, because a large
constant is an attack, too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import hostile
import hostile_gemini
import hostile_messages
import hostile_responses
from hostile import END, OK, TEXT, Shape
from loopback import serve, stream, whole
from peers.simulator import ROOT, SimulatorProcess

BUDGET = Path(__file__).parent / "callgrind.json"
ALLOWED = 1.03
EVENTS = (2000, 6000)
REPLIES = (300, 900)
# How many times the instructions of a chat event one of another API may take. In Responses and in
# Gemini numbers change in each event, so the shortcut for events that repeat has more to compare.
TIMES_CHAT = {
    "responses": {"text": 2.0, "changing": 1.5, "tool": 1.5},
    "messages": {"text": 1.5, "changing": 1.5, "tool": 1.5},
    "gemini": {"text": 1.5, "changing": 1.5, "tool": 1.5},
}
STEEPEST = 2.2
# Most of it is the next request, in which an unknown member of 12 bytes takes 70. A reply has at
# most 16,384 of them.
MOST_FOR_A_BYTE = 2000
# A cost that is not linear may be anything.
MOST_SECONDS = 300

# Drains a stream that has arrived completely, so that only the step itself is counted. It prints a
# line, waits for one while counting is switched on, drains the stream, and prints a line again. A
# reader yields once in 1 ms, which is 50 steps under valgrind and 2,000 without. So this drives the
# reader by hand: the turns of the event loop between are not counted.
STEP = """
import asyncio, sys
from tokenwire import ChatClient, Limits

async def drain(texts, left):
    async for text in texts:
        left -= 1
        if not left:
            break

def drive(task):
    try:
        while True:
            task.send(None)
    except StopIteration:
        pass

async def main(url, count):
    chat = ChatClient("m", base_url=url, api_key="k", limits=Limits(buffer_bytes=1 << 30))
    async with chat.stream_async("go", max_tokens=8000) as stream:
        texts = stream.text_stream
        for _ in range(1000):
            await texts.__anext__()
        while "usage" not in repr(stream.response.usage).lower():
            await asyncio.sleep(0.05)
        print("ready", flush=True)
        sys.stdin.readline()
        drive(drain(texts, count))
        print("drained", flush=True)
        sys.stdin.readline()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def main() -> int:
    """Count, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="write the new budgets")
    parser.add_argument("--growth", action="store_true", help="only measure hostile replies")
    parser.add_argument("--shape", default="", help="of these, only those with this in their name")
    parser.add_argument("--form", default="whole,event,events", help="only these forms, or `all`")
    asked = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("callgrind: valgrind is not installed: install it, because these gates need it")
        return 1
    failed = False if asked.growth else budgets(keep=asked.keep)
    failed |= growth(asked.shape, asked.form)
    return 1 if failed else 0


def budgets(*, keep: bool) -> bool:
    """Compare with the budgets. Return whether a count is over its budget."""
    counted = {"await_step": await_step(), "whole_reply": whole_reply(), **parser_events()}
    key = f"python {sys.version_info.major}.{sys.version_info.minor}, {rustc()}"
    kept: dict[str, Any] = json.loads(BUDGET.read_text()) if BUDGET.exists() else {}
    budget = kept.get(key, {})
    failed = over_chat(counted)
    for name, count in counted.items():
        due = budget.get(name)
        over = due is not None and count > due * ALLOWED
        failed |= over
        compared = f"of {due:.0f}" if due else "no budget for this Python and compiler"
        print(f"callgrind: {name}: {count:.0f} instructions, {compared}{'  OVER' if over else ''}")
    if keep:
        kept[key] = {name: round(count) for name, count in counted.items()}
        BUDGET.write_text(json.dumps(kept, indent=2) + "\n")
    return failed


def over_chat(counted: dict[str, float]) -> bool:
    """Return whether an event of another API costs too much more than one of chat."""
    failed = False
    for api, kinds in TIMES_CHAT.items():
        for kind, times in kinds.items():
            ratio = counted[f"event_{api}_{kind}"] / counted[f"event_{kind}"]
            over = ratio > times
            failed |= over
            compared = f"{ratio:.2f} times chat, of {times}{'  OVER' if over else ''}"
            print(f"callgrind: {kind} in {api}: {compared}")
    return failed


def rustc() -> str:
    """Return the compiler. Each version has its own counts."""
    done = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split()[:2])


def await_step() -> float:
    """Return the instructions of one `async for` step over buffered text."""
    with SimulatorProcess() as sim:
        sim.set_script({"default": {"pacing": {"tokens_per_write": 64}}})
        few, many = (step_total(sim.base_url, count) for count in EVENTS)
    return (many - few) / (EVENTS[1] - EVENTS[0])


def step_total(base_url: str, count: int) -> int:
    """Return the instructions between the two lines that the program prints."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        process = subprocess.Popen(
            [
                "valgrind", "--tool=callgrind", "--instr-atstart=no", "--quiet",
                f"--callgrind-out-file={out}", sys.executable, "-c", STEP, base_url, str(count),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PYTHONHASHSEED": "0", "PATH": os.defpath, "PYTHONPATH": str(ROOT / "python")},
        )  # fmt: skip
        wait_for(process, "ready")
        control(process.pid, "on")
        go_on(process)
        wait_for(process, "drained")
        control(process.pid, "off")
        go_on(process)
        process.communicate(timeout=60)
        return total(out)


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if line != word:
        raise SystemExit(f"callgrind: {line!r} instead of {word!r}: {process.communicate()[1]}")


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def control(pid: int, switch: str) -> None:
    command = ["callgrind_control", "-i", switch, str(pid)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def total(out: Path) -> int:
    """Return all instructions that were counted in a run."""
    totals = [
        int(found)
        for file in out.parent.glob(f"{out.name}*")
        for found in re.findall(r"^totals: (\d+)", file.read_text(), re.MULTILINE)
    ]
    return sum(totals)


def example(name: str) -> Path:
    """Build a program of the core."""
    build = ["cargo", "build", "--quiet", "--locked", "--release", "-p", "tokenwire-core"]
    subprocess.run([*build, "--example", name], cwd=ROOT, check=True)
    return ROOT / "target" / "release" / "examples" / name


def whole_reply() -> float:
    """Return the instructions of one call in the core, from request JSON to typed reply."""
    program = str(example("whole_replies"))
    with SimulatorProcess() as sim:
        few, many = (program_total([program, sim.base_url, str(count)]) for count in REPLIES)
    return (many - few) / (REPLIES[1] - REPLIES[0])


def parser_events() -> dict[str, float]:
    """Return the decoder's instructions for each event, by kind."""
    program = example("decode_events")
    counts = {}
    kinds = ("text", "changing", "tool", "reasoning")
    for kind in (*kinds, *(f"{api}_{kind}" for api in TIMES_CHAT for kind in kinds)):
        few, many = (program_total([str(program), kind, str(count)]) for count in EVENTS)
        counts[f"event_{kind}"] = (many - few) / (EVENTS[1] - EVENTS[0])
    return counts


def program_total(command: list[str]) -> int:
    return program_run(command)[0]


def program_run(command: list[str], seconds: float | None = None) -> tuple[int, str]:
    """Return a program's instructions, and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        valgrind = ["valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={out}"]
        done = subprocess.run(
            [*valgrind, *command], check=True, capture_output=True, text=True, timeout=seconds
        )
        return total(out), done.stdout.strip()


def growth(name: str, forms: str) -> bool:
    """Count each hostile reply at n and 2n. Return whether one costs more than linear time."""
    program = str(example("hostile_replies"))
    small = {
        False: whole(OK),
        True: stream(TEXT + END + b"data: [DONE]\n\n"),
    }
    base = {
        streams: reply_run(program, small[streams], streams=streams, api="chat")[0]
        for streams in small
    }
    chosen = [
        shape
        for api in (hostile, hostile_responses, hostile_messages, hostile_gemini)
        for shape in api.shapes()
        if name in shape.name and (forms == "all" or shape.form in forms.split(","))
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        lines = list(pool.map(partial(grown, program, base), chosen))
    over = [line for line in lines if "OVER" in line]
    for line in lines if name else over:
        print(f"callgrind: {line}")
    print(f"callgrind: {len(chosen)} hostile replies, {len(over)} of them over the gate")
    return bool(over) or not chosen


def grown(program: str, base: dict[bool, int], shape: Shape) -> str:
    """Return a line about the cost of a hostile reply."""
    counts, size, outcome = [], 1, ""
    title = f"{shape.name}, {shape.form}, {shape.count} and {2 * shape.count}"
    for count in (shape.count, 2 * shape.count):
        response = shape.response(count)
        size = len(response)
        try:
            instructions, outcome = reply_run(
                program, response, streams=shape.streams, api=shape.api
            )
        except subprocess.TimeoutExpired:
            return f"{title}: {count} took over {MOST_SECONDS} s  OVER"
        counts.append(max(1, instructions - base[shape.streams]))
    ratio, for_a_byte = counts[1] / counts[0], counts[1] / size
    over = ratio > STEEPEST or for_a_byte > MOST_FOR_A_BYTE
    cost = f"ratio {ratio:.2f}, {for_a_byte:.0f} for a byte, {outcome}"
    return f"{title}: {cost}{'  OVER' if over else ''}"


def reply_run(program: str, response: bytes, *, streams: bool, api: str) -> tuple[int, str]:
    with serve(response) as url:
        command = [program, url, "stream" if streams else "whole", api]
        return program_run(command, MOST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
