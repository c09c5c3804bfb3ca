"""The event stream of /api/ws/chat, through the `websockets` package and through bare sockets."""

import base64
import contextlib
import json
import os
import socket
import struct

import pytest
import websockets
from websockets.sync.client import connect

from conftest import wait_for

STORY = "Tell me a long story about a lighthouse keeper who collects storms."


@pytest.fixture
def url(daemon):
    return daemon.base_url.replace("http", "ws") + "/api/ws/chat"


class Chat:
    """One connection, past its session_start."""

    def __init__(self, url):
        self.resources = contextlib.ExitStack()
        self.socket = self.resources.enter_context(connect(url, open_timeout=30, max_size=None))
        self.start = self.receive()

    def send(self, **message):
        self.socket.send(json.dumps(message))

    def receive(self):
        return json.loads(self.socket.recv(timeout=60))

    def reply(self):
        """All events up to message_stop or error."""
        events = [self.receive()]
        while events[-1]["event"] not in ("message_stop", "error"):
            events.append(self.receive())
        return events

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.resources.close()


def text_of(events):
    return "".join(e["data"]["delta"]["text"] for e in events if e["event"] == "content_block_delta")


def check_order(events):
    names = [e["event"] for e in events]
    assert names[0] == "content_block_start" and names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(names[1:-3]) <= {"content_block_delta"}
    assert events[0]["data"] == {"type": "text", "index": 0}
    for event in events[1:-3]:
        assert event["data"]["index"] == 0 and event["data"]["delta"]["type"] == "text_delta"
    assert events[-3]["data"] == {"index": 0} and events[-1]["data"] == {}
    end = events[-2]["data"]
    assert set(end["usage"]) == {"input_tokens", "output_tokens"} and end["usage"]["input_tokens"] > 0
    return end["delta"]["finish_reason"]


def test_a_session_starts_with_its_id(url):
    with Chat(url) as chat:
        assert chat.start["event"] == "session_start" and chat.start["data"]["session_id"]
    with Chat(url + "?session_id=mine") as chat:
        assert chat.start["data"]["session_id"] == "mine"


def test_a_reply_is_the_exact_sequence_of_events(url):
    with Chat(url) as chat:
        chat.send(type="chat.message", content="What is the capital of France?", temperature=0)
        events = chat.reply()
    assert check_order(events) == "stop"
    assert "Paris" in text_of(events)


def test_a_conversation_goes_on_over_several_replies(url):
    with Chat(url) as chat:
        chat.send(type="chat.message", content="What is the capital of France?", temperature=0, max_tokens=24)
        first = chat.reply()
        chat.send(type="chat.message", content="And of Italy?", temperature=0, max_tokens=24)
        second = chat.reply()
        assert check_order(first) and check_order(second)
        tokens = [events[-2]["data"]["usage"]["input_tokens"] for events in (first, second)]
        assert tokens[1] > tokens[0] + 10, "the second prompt holds the first message and its reply"
        chat.send(type="chat.message", content="Hello", messages=[], max_tokens=2)
        check_order(chat.reply())


def test_messages_replace_the_conversation(url):
    with Chat(url) as chat:
        chat.send(type="chat.message", content="What is the capital of France?", temperature=0, max_tokens=8)
        first = chat.reply()
        chat.send(
            type="chat.message", messages=[{"role": "user", "content": "What is the capital of France?"}], temperature=0, max_tokens=8
        )
        again = chat.reply()
    assert text_of(first) == text_of(again)
    assert first[-2]["data"]["usage"] == again[-2]["data"]["usage"]


def test_an_id_is_echoed_in_every_event_of_its_reply(url):
    with Chat(url) as chat:
        chat.send(type="chat.message", content="Hi", id="reply-1", max_tokens=4)
        assert {event.get("id") for event in chat.reply()} == {"reply-1"}


def test_cancel_ends_a_reply_and_the_connection_goes_on(url, daemon):
    with Chat(url) as chat:
        chat.send(type="chat.message", content=STORY, temperature=0, ignore_eos=True, max_tokens=4000)
        events = [chat.receive() for _ in range(4)]
        chat.send(type="chat.cancel")
        events += chat.reply()
        check_order(events)
        assert events[-2]["data"]["usage"]["output_tokens"] < 4000
        wait_for(lambda: daemon.is_idle, "its place is free")
        chat.send(type="chat.message", messages=[{"role": "user", "content": "What is the capital of France?"}], temperature=0)
        assert "Paris" in text_of(chat.reply())


def test_a_ping_is_answered_even_during_a_reply(url):
    with Chat(url) as chat:
        chat.send(type="ping")
        assert chat.receive() == {"event": "pong"}
        chat.send(type="chat.message", content=STORY, max_tokens=200, ignore_eos=True)
        chat.send(type="ping")
        events = chat.reply()
        assert [e for e in events if e["event"] == "pong"]
        check_order([e for e in events if e["event"] != "pong"])


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        '{"type":"chat.message"}',
        '{"type":"unheard of"}',
        '{"type":"chat.message","content":7}',
        '{"type":"chat.message","content":"Hi","temperature":9}',
        '{"type":"chat.message","content":"Hi","model":"no-such-model"}',
        '{"type":"chat.message","content":"' + "long " * 9000 + '"}',
        '{"type":"chat.cancel"',
        "[" * 10_000,
    ],
    ids=lambda text: text[:40],
)
def test_a_bad_message_is_an_error_event_and_the_connection_goes_on(url, text):
    with Chat(url) as chat:
        chat.socket.send(text)
        error = chat.receive()
        assert error["event"] == "error" and error["data"]["type"] and error["data"]["message"]
        chat.send(type="chat.message", messages=[{"role": "user", "content": "Hi"}], max_tokens=2)
        check_order(chat.reply())


def test_a_binary_frame_closes_with_its_code(url):
    with Chat(url) as chat:
        chat.socket.send(b"\x00\x01\xff")
        with pytest.raises(websockets.ConnectionClosed) as caught:
            chat.receive()
    assert caught.value.rcvd.code == 1003


def test_a_closed_connection_ends_its_reply(url, daemon):
    with Chat(url) as chat:
        chat.send(type="chat.message", content=STORY, ignore_eos=True, max_tokens=4000)
        chat.receive()
    wait_for(lambda: daemon.is_idle, "its place is free")


class Raw:
    """A handshake and frames by hand."""

    def __init__(self, daemon, **headers):
        self.socket = socket.create_connection(("127.0.0.1", daemon.port), timeout=30)
        fields = {
            "Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
        self.socket.sendall(("GET /api/ws/chat HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode())
        self.reader = self.socket.makefile("rb")
        self.status = int(self.reader.readline().split()[1])
        self.headers = {}
        while (line := self.reader.readline().strip()):
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()

    def frame(self):
        """Opcode and payload of the next frame; None at the end of the stream."""
        head = self.reader.read(2)
        if len(head) < 2:
            return None
        assert head[1] < 128, "a server's frames are not masked"
        length = head[1]
        if length > 125:
            length = int.from_bytes(self.reader.read(2 if length == 126 else 8), "big")
        return head[0] & 15, self.reader.read(length)

    def close_code(self):
        """The code of the close frame that comes next but for text frames."""
        while (frame := self.frame()) is not None:
            if frame[0] == 8:
                return int.from_bytes(frame[1][:2], "big")
        return None

    def send(self, first, payload, masked=True, length=None):
        length = len(payload) if length is None else length
        bit = 128 if masked else 0
        size = bytes([bit | length]) if length < 126 else bytes([bit | 127]) + struct.pack(">Q", length)
        self.socket.sendall(bytes([first]) + size + (b"\0\0\0\0" if masked else b"") + payload)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.socket.close()


@pytest.mark.parametrize("key", [None, "", "short", "!" * 24, base64.b64encode(b"x" * 15).decode()])
def test_a_handshake_without_a_proper_key_is_refused(daemon, key):
    with Raw(daemon, Sec_WebSocket_Key=key) as raw:
        assert 400 <= raw.status < 500
        assert b'"error"' in raw.reader.read(int(raw.headers["content-length"]))


@pytest.mark.parametrize("version", [None, "8", "14", "x"])
def test_another_version_is_answered_with_the_one_spoken(daemon, version):
    with Raw(daemon, Sec_WebSocket_Version=version) as raw:
        assert raw.status in (400, 426)
        if version is not None:
            assert raw.status == 426 and raw.headers["sec-websocket-version"] == "13"


def test_a_plain_request_to_the_path_is_refused(http):
    response = http.get("/api/ws/chat")
    assert response.status_code in (400, 426) and response.json()["error"]["message"]


def test_another_path_is_no_websocket(daemon):
    with pytest.raises(websockets.InvalidStatus) as caught:
        with connect(daemon.base_url.replace("http", "ws") + "/api/nowhere", open_timeout=30):
            pass
    assert caught.value.response.status_code in (400, 404)


@pytest.mark.parametrize(
    "code, first, payload, options",
    [
        (1002, 0x81, b'{"type":"ping"}', {"masked": False}),
        (1002, 0xC1, b'{"type":"ping"}', {}),
        (1002, 0x83, b"", {}),
        (1002, 0x80, b"continues nothing", {}),
        (1002, 0x09, b"a ping in pieces", {}),
        (1007, 0x81, b"\xff\xfe", {}),
        (1009, 0x81, b"", {"length": 1 << 40}),
        (1002, 0x88, b"\x00", {}),
    ],
    ids=["unmasked", "reserved bit", "unknown opcode", "continuation", "ping in pieces", "bad UTF-8", "oversized", "bad close"],
)
def test_a_frame_against_the_protocol_closes_with_its_code(daemon, code, first, payload, options):
    with Raw(daemon) as raw:
        assert raw.status == 101
        raw.send(first, payload, **options)
        assert raw.close_code() == code


def test_a_close_is_echoed(daemon):
    with Raw(daemon) as raw:
        raw.send(0x88, struct.pack(">H", 1000))
        assert raw.close_code() == 1000
        assert raw.frame() is None


def test_a_client_that_stops_in_the_middle_of_a_frame_harms_nobody(daemon):
    with Raw(daemon) as raw:
        raw.send(0x81, b"half", length=100)
