"""A stand-in for the daemon, for tests of the web chat: same routes and events, replies chosen by the test.

Serves frontend/dist with a strict Content-Security-Policy, `/api/health`, `/api/chat/completions` (server-sent events)
and `/api/ws/chat`. Standard library only. Run it alone to work on the page: `python3 Tests/browser/mock_daemon.py --port 8080`.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import mimetypes
import re
import struct
import threading
from pathlib import Path

WEB_ROOT = Path(__file__).resolve().parents[2] / "frontend" / "dist"
MODEL = "SmolLM2-135M-Instruct"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
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
        self.first_delay = 0.05
        self.loading = False
        self.refuse_websocket = False
        self.error = None  # (type, message) instead of a reply
        self.requests = []  # messages of each request, with the transport that brought it
        self.cancelled = 0
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
        if self.verbose:
            print(method, target)
        if path == "/api/ws/chat" and not self.refuse_websocket and not self.loading:
            await self._websocket(headers, reader, writer)
            return False
        if path == "/api/chat/completions" and method == "POST":
            await self._event_stream(json.loads(body), writer)
            return False
        await self._respond(writer, *self._resource(path))
        return True

    def _resource(self, path):
        if path == "/api/health":
            if self.loading:
                return 503, {"status": "loading", "model": None, "message": "The model is being loaded."}
            return 200, {"status": "ok", "model": MODEL}
        if path.startswith("/api/"):
            return 404, {"error": {"message": "no such route", "type": "invalid_request_error"}}
        file = WEB_ROOT / (path.lstrip("/") or "index.html")
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

    async def _event_stream(self, request, writer):
        self.requests.append({"transport": "sse", "messages": request["messages"]})
        if self.error:
            body = {"error": {"type": self.error[0], "message": self.error[1]}}
            return await self._respond(writer, 400, body)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")

        async def event(value):
            writer.write(b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n")
            await writer.drain()

        pieces = self._pieces()
        await event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]})
        for piece in pieces:
            await asyncio.sleep(self.delay)
            await event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
        await event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        await event({"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": len(pieces), "total_tokens": 40 + len(pieces)}})
        await event(b"[DONE]")
        return None

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
                    reply.cancel()
                    self.cancelled += 1
                elif message["type"] == "chat.message":
                    self.requests.append({"transport": "ws", "messages": message["messages"]})
                    reply = asyncio.create_task(self._socket_reply(writer, message.get("id")))
        finally:
            if reply:
                reply.cancel()

    async def _socket_reply(self, writer, identifier):
        async def event(name, data):
            await send_frame(writer, TEXT, json.dumps({"event": name, "id": identifier, "data": data}).encode())

        if self.error:
            return await event("error", {"type": self.error[0], "message": self.error[1]})
        pieces = self._pieces()
        await asyncio.sleep(self.first_delay)
        await event("content_block_start", {"type": "text", "index": 0})
        for piece in pieces:
            await event("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": piece}})
            await asyncio.sleep(self.delay)
        await event("content_block_stop", {"index": 0})
        usage = {"input_tokens": 40, "output_tokens": len(pieces)}
        await event("message_delta", {"delta": {"finish_reason": "stop"}, "usage": usage})
        await event("message_stop", {})
        return None


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
