"""The server's milliseconds a click, for one session and for fifty at once, and its memory meanwhile.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.sessions

No browser: each session asks for its image over the live channel, as the map does, and then reports to Streamlit over
another WebSocket that speaks its protocol as its frontend does, down to the hashes of the messages that it still
holds. One server process on two cores serves them all (Linux only). Every session clicks once a second at
a random place of the plane, at a moment of its own, and does not wait for the answer. `image`: from the
click to the decoded image of that very place. `rerun`: from the click to Streamlit's message with its link, or
with that of a later click of the same session. `run`: from the click to `script_finished`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks._server import Server, p95, serve
from vae_explorer.ui import canvas

SESSIONS = 50
CORES = 2
MODEL = "mnist-vae-2d"
PINS = 12  # the strip holds so many, and is full after as many clicks
HALF = 3.0  # latent units: clicks fall into the square of twice this side
PERIOD = 1.0  # seconds from click to click
WARM_UP = 10  # seconds of one session that do not count
SAMPLED = 10.0  # seconds from one look at the memory to the next
FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
KEPT = 2  # runs without use after which the frontend forgets a message (global.maxCachedMessageAge)


class Session:
    """What a browser tab knows.

    Arguments:
        socket: Its connection.
        live: Its live channel.
        seed: Gives the places that it clicks.
    """

    def __init__(self, socket: ClientConnection, live: ClientConnection, seed: int) -> None:
        self.socket = socket
        self.live = live
        self.asked: dict[int, tuple[bytes, float]] = {}  # what each question waits for, and since when
        self.random = random.Random(seed)
        self.ready = asyncio.Event()
        self.page = ""  # the page's hash
        self.map = ""  # the id of the widget that reports a click
        self.fragment = ""  # the part of the page that a click runs again; empty for all
        self.pins: list[dict[str, list[float]]] = []
        self.widgets: dict[str, WidgetState] = {}
        self.held: dict[str, int] = {}  # hashes of messages, and runs since they were used
        self.sent: dict[bytes, float] = {}  # when each click was sent that waits, by its answer's text
        self.ending: list[float] = []  # when the clicks were sent whose image came in this run
        self.seen: dict[str, object] = {}  # what was last reported
        self.dropped = 0  # questions that newer ones have replaced
        self.images: list[float] = []  # ms from each click to its image
        self.reruns: list[float] = []  # ms from each click to Streamlit's message with its image
        self.runs: list[float] = []  # ms from each click to the end of its run

    async def rerun(self) -> None:
        """Asks for a run of the script, or of a fragment; the values of all widgets go with it."""
        message = BackMsg()
        message.rerun_script.query_string = f"model={MODEL}"
        message.rerun_script.page_script_hash = self.page
        message.rerun_script.fragment_id = self.fragment
        message.rerun_script.widget_states.widgets.extend(self.widgets.values())
        message.rerun_script.cached_message_hashes.extend(self.held)
        await self.socket.send(message.SerializeToString())

    async def click(self) -> None:
        """Clicks on the plane; reports what a browser does."""
        x, y = (round(self.random.uniform(-HALF, HALF), 2) + 0.0 for _ in range(2))
        self.pins = [*self.pins, {"z": [x, y]}][-PINS:]
        self.seen = {
            "point": {"z": [x, y]},
            "beta": 1,
            "hidden": [],
            "layers": ["prior"],
            "window": None,
            "pins": self.pins,
            "other": None,
            "path": "straight",
            "tab": "curve",
            "answered": True,
        }
        start, n = _now(), len(self.images) + len(self.asked) + self.dropped
        self.asked[n] = (f"Decoded image at z = ({x:.2f}, {y:.2f})".encode(), start)
        question = {"kind": "point", "n": n, "model": MODEL, "part": "test", "beta": 1, "point": {"z": [x, y]}}
        await self.live.send(f"point\n{json.dumps(question)}")

    async def answers(self) -> None:
        """Takes what comes over the live channel; each image is followed by a report to Streamlit."""
        async for payload in self.live:
            assert isinstance(payload, bytes)
            length = int.from_bytes(payload[:4], "little")
            answer = json.loads(payload[4 : 4 + length])
            text, start = self.asked.pop(answer["n"])
            if answer["said"]["alt"].encode() != text:
                raise RuntimeError(f"the app answers: {answer}")
            self.images.append(1000 * (_now() - start))
            older = [n for n in self.asked if n < answer["n"]]  # the newest question has replaced these
            for n in older:
                del self.asked[n]
            self.dropped += len(older)
            x, y = answer["said"]["z"]
            self.sent[f"&z={x:.6g},{y:.6g}&".encode()] = start
            self.widgets[self.map] = WidgetState(id=self.map, json_value=json.dumps({canvas.SEEN: self.seen}))
            await self.rerun()

    async def clicks(self, seconds: float) -> None:
        """Clicks once a period, at a moment of its own, and takes the last answers."""
        tick = _now() + self.random.uniform(0, PERIOD)
        until = _now() + seconds
        async with asyncio.TaskGroup() as clicks:
            while tick < until:
                await asyncio.sleep(tick - _now())
                clicks.create_task(self.click())
                tick += PERIOD
        await asyncio.sleep(2 * PERIOD)

    async def listen(self) -> None:
        """Takes what the server sends, until the connection is closed."""
        async for payload in self.socket:
            assert isinstance(payload, bytes)
            self.receive(payload)

    def receive(self, payload: bytes) -> None:
        """Takes one message."""
        message = ForwardMsg.FromString(payload)
        if message.metadata.cacheable:
            self.held[message.hash] = 0
        match message.WhichOneof("type"):
            case "new_session":
                self.page = message.new_session.page_script_hash
            case "ref_hash":
                self.held[message.ref_hash] = 0
            case "delta":
                self.note(message)
                self.look_for_image(payload)
            case "script_finished" if message.script_finished in FINISHED:
                self.finish()

    def note(self, message: ForwardMsg) -> None:
        """Notes the widgets, whose values go back with every run."""
        element = message.delta.new_element
        if element.HasField("exception"):
            raise RuntimeError(f"the app says: {element.exception.message}")
        if element.bidi_component.id.endswith(f"-{canvas.answer_key(MODEL)}"):
            self.map, self.fragment = element.bidi_component.id, message.delta.fragment_id
        if element.HasField("selectbox"):
            box = element.selectbox
            self.widgets[box.id] = WidgetState(id=box.id, string_value=box.options[box.default])

    def look_for_image(self, payload: bytes) -> None:
        """Ends the wait for the click that this answers, and for those before it, which nobody will answer."""
        answered = next((k for k, text in enumerate(self.sent, 1) if text in payload), 0)
        for text in list(self.sent)[:answered]:
            start = self.sent.pop(text)
            self.reruns.append(1000 * (_now() - start))
            self.ending.append(start)

    def finish(self) -> None:
        """Notes the end of a run."""
        self.runs += [1000 * (_now() - start) for start in self.ending]
        self.ending.clear()
        self.held = {name: age + 1 for name, age in self.held.items() if age < KEPT}
        self.ready.set()


@contextlib.asynccontextmanager
async def opened(server: Server, seed: int) -> AsyncIterator[Session]:
    """A session that has shown the page."""
    address = server.address.replace("http", "ws")
    async with (
        connect(f"{address}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], max_size=None) as socket,
        connect(f"{address}/live", max_size=None) as live,
    ):
        session = Session(socket, live, seed)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(session.listen())
            tasks.create_task(session.answers())
            await session.rerun()
            await asyncio.wait_for(session.ready.wait(), 60)
            yield session
            await live.close()
            await socket.close()


async def measure(server: Server, count: int, seconds: float) -> tuple[float, ...]:
    """Opens sessions, lets them click for so long, prints one line, and returns the 95th percentiles."""
    async with contextlib.AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(opened(server, seed)) for seed in range(count)]
        before = cpu(server)
        await asyncio.gather(*(session.clicks(seconds) for session in sessions))
        spent = cpu(server) - before
    kinds = ("images", "reruns", "runs")
    times = {kind: [ms for session in sessions for ms in getattr(session, kind)] for kind in kinds}
    clicks = len(times["images"])
    unanswered = sum(len(session.sent) for session in sessions)
    print(
        f"{count:3} sessions, median / p95 in ms: "
        + ", ".join(f"{kind} {median(each):.1f} / {p95(each):.1f}" for kind, each in times.items())
        + f"; {clicks:,} clicks of {1000 * spent / clicks:.1f} ms of CPU, {unanswered} that Streamlit did not answer, "
        f"{sum(session.dropped for session in sessions)} whose image a newer one replaced",
        flush=True,
    )
    return tuple(p95(each) for each in times.values())


async def watch_memory(server: Server, into: list[float]) -> None:
    """Notes the server's resident memory in MB, again and again until cancelled."""
    while True:
        status = await asyncio.to_thread(Path(f"/proc/{server.pid}/status").read_text)
        into.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
        await asyncio.sleep(SAMPLED)


def cpu(server: Server) -> float:
    """Returns the CPU seconds that the server has taken so far."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def run(server: Server, sessions: int, alone: float, seconds: float) -> None:
    """Measures one session, then all at once, and prints both."""
    await measure(server, 1, WARM_UP)
    first = await measure(server, 1, alone)
    memory: list[float] = []
    watching = asyncio.create_task(watch_memory(server, memory))
    many = await measure(server, sessions, seconds)
    watching.cancel()
    ratios = " / ".join(f"{b / a:.1f}" for a, b in zip(first, many, strict=True))
    print(f"p95 of {sessions} sessions over that of one: {ratios} (image / rerun / run)")
    half = memory[len(memory) // 2 :]
    print(f"memory every {SAMPLED:.0f} s, MB: {' '.join(f'{mb:.0f}' for mb in memory)}")
    if len(half) > 2:
        slope = np.polyfit(np.arange(len(half)) * SAMPLED / 60, half, 1)[0]
        print(f"slope over the last half: {slope:+.2f} MB a minute")


def _now() -> float:
    return asyncio.get_running_loop().time()


def main() -> None:
    """Starts a server and measures it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--alone", type=float, default=100, help="seconds of one session, default 100")
    parser.add_argument("--seconds", type=float, default=600, help="of all sessions at once, default 600")
    args = parser.parse_args()
    with serve(cores=CORES) as server:
        asyncio.run(run(server, args.sessions, args.alone, args.seconds))


if __name__ == "__main__":
    main()
