"""A stand-in for the daemon, for tests of the web chat: same routes and events, replies chosen by the test.

Serves frontend/dist with a strict Content-Security-Policy, `/api/health`, `/api/chat/completions` (server-sent events)
and `/api/ws/chat`. Standard library only. Run it alone to work on the page: `python3 Tests/browser/mock_daemon.py --port 8080`.
"""

import argparse
import asyncio
import base64
import hashlib
import itertools
import json
import mimetypes
import re
import struct
import threading
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from mock_sessions import SessionStore

WEB_ROOT = Path(__file__).resolve().parents[2] / "frontend" / "dist"
MODEL = "SmolLM2-135M-Instruct"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CONTEXT_LENGTH = 2048
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10

SAMPLE_REPLY = """Sunlight looks white, but it is a **mix of all colours**. On its way through the air it meets tiny molecules, \
and they scatter *short* waves far more than long ones:

| Colour | Wavelength | Scattered |
|:--|--:|--:|
| Violet | 400 nm | 9.4 × |
| Blue | 450 nm | 5.9 × |
| Red | 700 nm | 1 × |

1. Blue light is scattered in **every direction**, so it reaches your eyes from the whole sky.
2. Red light passes almost straight through.
3. In the evening the path through the air is longer, and what is left over is orange and red.

The strength of the effect goes with the fourth power of the frequency:

```python
def scattering(wavelength_nm: float, reference_nm: float = 700) -> float:
    \"\"\"Rayleigh scattering relative to red light.\"\"\"
    return (reference_nm / wavelength_nm) ** 4

print(f"{scattering(450):.1f}")  # 5.9
```

> Violet is scattered even more, but the sun sends less of it and our eyes are less sensitive to it.
"""


class MockDaemon:
    """The daemon on its own thread. A test sets the attributes at any time; they hold from the next request on."""

    def __init__(self, port=0, verbose=False):
        self.port = port
        self.verbose = verbose
        self.reply = SAMPLE_REPLY
        self.delay = 0.004  # seconds between pieces
        self.allowed = None  # so many events of progress and pieces of text are sent, and the rest once this is raised; None: all
        self.first_delay = 0.05
        self.loading = False
        self.queue = {"running": 0, "paused": 0, "waiting": 0, "capacity": 64}
        self.queue_positions = []  # told before the reply begins, when the client asks for progress
        self.sessions_on = True
        self.sessions_fail = False
        self.sessions = SessionStore()
        self.api_key = None
        self.finish_reason = "stop"
        self.refuse_websocket = False
        self.error = None  # (type, message) instead of a reply
        self.requests = []  # messages of each request, with the transport that brought it
        self.cancelled = 0
        self._cancelling = False
        self._loop = asyncio.new_event_loop()
        self._server = None
        self._writers = set()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self._call(self._start())
        return self

    def stop(self):
        """Closes the port and cuts every connection, like a daemon that was killed."""
        self._call(self._stop())

    def cut_connections(self):
        self._call(self._cut())

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=10)

    async def _start(self):
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self):
        self._server.close()
        await self._cut()

    async def _cut(self):
        for writer in list(self._writers):
            writer.transport.abort()

    async def _connection(self, reader, writer):
        self._writers.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _exchange(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.split("\r\n")
        method, target, _ = request_line.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = target.split("?")[0]
        query = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
        if self.verbose:
            print(method, target)
        if self._is_locked(path, headers, query):
            locked = {"error": {"message": "Incorrect API key provided.", "type": "authentication_error", "code": "invalid_api_key"}}
            await self._respond(writer, 401, locked)
            return True
        if path.startswith("/api/sessions") and self.sessions_fail:
            await self._respond(writer, 500, {"error": {"message": "The disk is asleep.", "type": "server_error"}})
            return True
        if path.startswith("/api/sessions") and self.sessions_on:
            await self._respond(writer, *self.sessions.handle(method, target, body))
            return True
        if path == "/api/ws/chat" and not self.refuse_websocket and not self.loading:
            await self._websocket(headers, reader, writer)
            return False
        if path == "/api/chat/completions" and method == "POST":
            await self._completion(json.loads(body), query, writer)
            return False
        await self._respond(writer, *self._resource(path))
        return True

    def _is_locked(self, path, headers, query):
        if self.api_key is None or not path.startswith("/api/") or path == "/api/health":
            return False
        return self.api_key not in (headers.get("authorization", "").removeprefix("Bearer "), query.get("api_key"))

    def _resource(self, path):
        if path == "/api/health":
            if self.loading:
                return 503, {"status": "loading", "model": None, "message": "The model is being loaded."}
            return 200, {"status": "ok", "model": MODEL, "version": "0.0.0", "uptime_seconds": 4210, "queue": self.queue}
        if path == "/api/models":
            return 200, {"object": "list", "data": [{"id": MODEL, "object": "model", "context_length": CONTEXT_LENGTH}]}
        if path.startswith("/api/"):
            return 404, {"error": {"message": "no such route", "type": "invalid_request_error"}}
        # Paths without an extension are places inside of the page, as with the daemon.
        file = WEB_ROOT / (path.lstrip("/") if "." in path.split("/")[-1] else "index.html")
        if not file.is_file() or WEB_ROOT not in file.resolve().parents:
            return 404, {"error": {"message": "no such file", "type": "invalid_request_error"}}
        return 200, file

    async def _respond(self, writer, status, content):
        if isinstance(content, Path):
            kind, body = mimetypes.guess_type(content.name)[0] or "application/octet-stream", content.read_bytes()
        else:
            kind, body = "application/json", json.dumps(content).encode()
        head = (
            f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nContent-Security-Policy: {POLICY}\r\n"
            "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()

    def _pieces(self):
        """Word-like pieces, about as long as a model's tokens."""
        return re.findall(r"\s?\S{1,6}|\s", self.reply)

    def _endless(self, request):
        """The pieces of a reply; again and again for a request that wants no end."""
        pieces = self._pieces()
        return itertools.cycle(pieces) if request.get("ignore_eos") else pieces

    def _progress(self):
        """What is told before the first word: places in the queue, then how much of the prompt has been read."""
        for position in self.queue_positions:
            yield {"queue_position": position, "prompt_tokens": 900, "processed_tokens": 0}
        for done in (0, 300, 600, 900) if self.queue_positions else ():
            yield {"queue_position": None, "prompt_tokens": 900, "processed_tokens": done}

    async def _may_send(self, number):
        while self.allowed is not None and number >= self.allowed:
            await asyncio.sleep(0.01)

    def _note(self, transport, request, record):
        self.requests.append({"transport": transport, "messages": request["messages"], "body": request, "record": record})

    def _finish(self, message, state):
        if message:
            message.update({"state": state, "finish_reason": self.finish_reason if state == "complete" else None})

    async def _completion(self, request, query, writer):
        record = query if "session_id" in query else None
        streams = request.get("stream", False)
        self._note("sse" if streams else "http", request, record)
        if self.error:
            body = {"error": {"type": self.error[0], "message": self.error[1]}}
            return await self._respond(writer, 400, body)
        stored = self.sessions.begin_reply(record, request["messages"]) if record else None
        try:
            await (self._event_stream if streams else self._whole)(request, stored, writer)
            self._finish(stored, "complete")
        except BaseException:
            self._finish(stored, "interrupted")
            raise

    async def _whole(self, request, stored, writer):
        if stored:
            stored["content"] += self.reply
        choice = {"index": 0, "message": {"role": "assistant", "content": self.reply}, "finish_reason": self.finish_reason}
        await self._respond(writer, 200, {"choices": [choice], "usage": usage(len(self._pieces()), "prompt_tokens", "completion_tokens")})

    async def _event_stream(self, request, stored, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")

        async def event(value):
            writer.write(b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n")
            await writer.drain()

        begun, sent = time.monotonic(), 0
        await event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]})
        for sent, piece in enumerate(self._endless(request), 1):
            await self._may_send(sent - 1)
            await pause(begun + sent * self.delay)
            if stored:
                stored["content"] += piece
            await event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
        await event({"choices": [{"index": 0, "delta": {}, "finish_reason": self.finish_reason}]})
        await event({"choices": [], "usage": usage(sent, "prompt_tokens", "completion_tokens")})
        await event(b"[DONE]")

    async def _websocket(self, headers, reader, writer):
        accept = base64.b64encode(hashlib.sha1(headers["sec-websocket-key"].encode() + WEBSOCKET_GUID).digest())
        writer.write(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        await send_frame(writer, TEXT, json.dumps({"event": "session_start", "data": {"session_id": "mock"}}).encode())
        reply = None
        try:
            while True:
                opcode, payload = await read_frame(reader)
                if opcode == CLOSE:
                    return
                if opcode == PING:
                    await send_frame(writer, PONG, payload)
                if opcode != TEXT:
                    continue
                message = json.loads(payload)
                if message["type"] == "ping":
                    await send_frame(writer, TEXT, b'{"event":"pong"}')
                elif message["type"] == "chat.cancel" and reply and not reply.done():
                    self.cancelled += 1
                    self._cancelling = True
                    reply.cancel()
                elif message["type"] == "chat.message":
                    record = message if "session_id" in message else None
                    self._note("ws", message, record)
                    reply = asyncio.create_task(self._socket_reply(writer, message, record))
        finally:
            if reply:
                self._cancelling = False
                reply.cancel()

    async def _socket_reply(self, writer, message, record):
        async def event(name, data):
            await send_frame(writer, TEXT, json.dumps({"event": name, "id": message.get("id"), "data": data}).encode())

        if self.error:
            return await event("error", {"type": self.error[0], "message": self.error[1]})
        stored = self.sessions.begin_reply(record, message["messages"]) if record else None
        sent = 0
        try:
            told = list(self._progress()) if message.get("progress") else []
            for number, progress in enumerate(told):
                await self._may_send(number)
                await event("progress", progress)
            await asyncio.sleep(self.first_delay)
            await event("content_block_start", {"type": "text", "index": 0})
            begun = time.monotonic()
            for sent, piece in enumerate(self._endless(message), 1):
                await self._may_send(len(told) + sent - 1)
                if stored:
                    stored["content"] += piece
                await event("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": piece}})
                await pause(begun + sent * self.delay)
            self._finish(stored, "complete")
            end = {"delta": {"finish_reason": self.finish_reason}, "usage": usage(sent, "input_tokens", "output_tokens")}
            if message.get("progress"):
                end["timings"] = {"prompt_n": 40, "prompt_ms": 31.0, "prompt_per_second": 1290.3, "predicted_n": sent,
                                  "predicted_ms": 1000.0, "predicted_per_second": float(sent), "cached_n": 12}  # fmt: skip
        except BaseException as stopped:
            cancelled = isinstance(stopped, asyncio.CancelledError) and self._cancelling
            self._finish(stored, "cancelled" if cancelled else "interrupted")
            if not cancelled:
                raise
            end = {"delta": {"finish_reason": "cancelled"}, "usage": usage(sent, "input_tokens", "output_tokens")}
        await event("content_block_stop", {"index": 0})
        await event("message_delta", end)
        await event("message_stop", {})


async def pause(until):
    """By the clock, so that a reply keeps its pace whatever sending costs; others have their turn in any case."""
    await asyncio.sleep(max(0, until - time.monotonic()))


def usage(tokens, prompt, reply):
    return {prompt: 40, reply: tokens, "total_tokens": 40 + tokens}


async def read_frame(reader):
    """One unfragmented client frame (RFC 6455, section 5.2)."""
    first, second = await reader.readexactly(2)
    length = second & 127
    if length == 126:
        (length,) = struct.unpack(">H", await reader.readexactly(2))
    elif length == 127:
        (length,) = struct.unpack(">Q", await reader.readexactly(8))
    mask = await reader.readexactly(4)
    payload = await reader.readexactly(length)
    return first & 15, bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


async def send_frame(writer, opcode, payload):
    length = len(payload)
    if length < 126:
        head = struct.pack(">BB", 128 | opcode, length)
    elif length < 65536:
        head = struct.pack(">BBH", 128 | opcode, 126, length)
    else:
        head = struct.pack(">BBQ", 128 | opcode, 127, length)
    writer.write(head + payload)
    await writer.drain()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8080)
    daemon = MockDaemon(parser.parse_args().port, verbose=True).start()
    print(f"Serving {WEB_ROOT} at {daemon.url}")
    threading.Event().wait()
