"""HTTP/2 with TLS: the same routes, and what only HTTP/2 has: many requests at once, resets, farewells, hostile frames."""

import json
import signal
import socket
import ssl
import subprocess

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import httpx
import pytest
from hyperframe.frame import ContinuationFrame, GoAwayFrame, HeadersFrame

from conftest import CAPITAL, STORY, wait_for
from daemon import Daemon
from test_tls import make_certificate

BODY = {"messages": CAPITAL, "temperature": 0, "max_tokens": 24}
ENDLESS = {"messages": STORY, "stream": True, "ignore_eos": True, "max_tokens": 6000, "temperature": 0}


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory):
    with Daemon(**make_certificate(tmp_path_factory.mktemp("h2"))) as running:
        yield running.wait_until_ready()


@pytest.fixture
def http(encrypted):
    with httpx.Client(base_url=encrypted.base_url, verify=encrypted.trust, http2=True, timeout=120) as made:
        yield made


class Raw:
    """A connection that sends what it is told to, and collects the events of the answer."""

    def __init__(self, daemon, *, checks=True):
        context = ssl.create_default_context(cafile=daemon.certificate)
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", daemon.port), timeout=180), server_hostname="localhost")
        assert self.socket.selected_alpn_protocol() == "h2"
        # Without checks the library lets us break the protocol.
        options = {} if checks else {"validate_outbound_headers": False, "normalize_outbound_headers": False}
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8", **options))
        self.h2.initiate_connection()
        self.events, self.has_ended = [], False
        self.flush()

    def flush(self):
        if data := self.h2.data_to_send():
            self.socket.sendall(data)

    def request(self, method, path, body=None, *, more=(), end=True):
        """Sends a request, all of it with `end`. Returns its stream's number."""
        stream = self.h2.get_next_available_stream_id()
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        self.h2.send_headers(stream, [
            (":method", method), (":path", path), (":scheme", "https"), (":authority", "localhost"), *more,
        ], end_stream=end and data is None)
        if data is not None:
            self.h2.send_data(stream, data, end_stream=end)
        self.flush()
        return stream

    def receive(self):
        """Some more events; `False` at the end of the connection."""
        try:
            data = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            self.has_ended = True
            return False
        for event in self.h2.receive_data(data):
            self.events.append(event)
            if isinstance(event, h2.events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self.flush()
        return True

    def wait_for(self, kind, stream=None):
        while True:
            for event in self.events:
                if isinstance(event, kind) and stream in (None, getattr(event, "stream_id", None)):
                    return event
            assert self.receive(), f"the connection ended without {kind.__name__}: {self.events}"

    def drain(self):
        """Reads until the server closes."""
        while self.receive():
            pass

    def status(self, stream):
        return int(dict(self.wait_for(h2.events.ResponseReceived, stream).headers)[":status"])

    def text(self, stream):
        return b"".join(e.data for e in self.events if isinstance(e, h2.events.DataReceived) and e.stream_id == stream).decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def test_curl_and_httpx_speak_http2(encrypted, http):
    for option, version in [("--http2", "2"), ("--http1.1", "1.1")]:
        command = ["curl", "--silent", "--show-error", option, "--cacert", encrypted.certificate]
        command += ["--write-out", "\n%{http_version} %{http_code}", f"{encrypted.base_url}/api/health"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert result.stdout.splitlines()[-1] == f"{version} 200", result.stderr
    answer = http.post("/v1/chat/completions", json=BODY)
    assert answer.http_version == "HTTP/2" and "Paris" in answer.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/v1/models", 200), ("HEAD", "/v1/models", 200), ("GET", "/metrics", 200), ("GET", "/api/openapi.json", 200), ("GET", "/api/ready", 200),
    ("GET", "/v1/none", 404), ("DELETE", "/v1/models", 405), ("GET", "/api/ws/chat", 426), ("OPTIONS", "/v1/chat/completions", 405),
])
def test_routes_answer_as_over_http1(encrypted, http, method, path, status):
    second = http.request(method, path)
    with httpx.Client(base_url=encrypted.base_url, verify=encrypted.trust, timeout=60) as old:
        first = old.request(method, path)
    assert (second.http_version, first.http_version) == ("HTTP/2", "HTTP/1.1")
    assert second.status_code == first.status_code == status
    of_a_connection = {"connection", "upgrade", "keep-alive", "transfer-encoding"}
    assert set(second.headers) | of_a_connection == set(first.headers) | of_a_connection
    assert not set(second.headers) & of_a_connection
    if path not in ("/metrics", "/v1/none") and status != 405:
        assert second.content == first.content


def test_a_stream_is_the_same_events_as_they_come(http):
    with http.stream("POST", "/v1/chat/completions", json=BODY | {"stream": True}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line.startswith("data: ")]
    assert lines[-1] == "data: [DONE]"
    assert "Paris" in "".join(json.loads(line[6:])["choices"][0]["delta"].get("content", "") for line in lines[:-1])


def test_requests_of_one_connection_run_side_by_side(encrypted):
    with Raw(encrypted) as connection:
        slow = connection.request("POST", "/v1/chat/completions", ENDLESS)
        connection.wait_for(h2.events.DataReceived, slow)
        others = [connection.request("POST", "/v1/chat/completions", BODY) for _ in range(4)]
        for other in others:
            assert connection.status(other) == 200
            connection.wait_for(h2.events.StreamEnded, other)
            assert "Paris" in connection.text(other)
        assert not any(isinstance(e, h2.events.StreamEnded) and e.stream_id == slow for e in connection.events)


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "whole"])
def test_a_reset_ends_the_generation_and_not_the_connection(encrypted, streaming):
    with Raw(encrypted) as connection:
        stream = connection.request("POST", "/v1/chat/completions", ENDLESS | {"stream": streaming})
        wait_for(lambda: not encrypted.is_idle, "it runs")
        connection.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        connection.flush()
        wait_for(lambda: encrypted.is_idle, "its place is free")
        assert connection.status(connection.request("GET", "/v1/models")) == 200


def test_a_closed_connection_ends_all_its_generations(encrypted):
    with Raw(encrypted) as connection:
        for _ in range(3):
            connection.request("POST", "/v1/chat/completions", ENDLESS)
        wait_for(lambda: encrypted.health()["queue"]["running"] == 3, "they run")
    wait_for(lambda: encrypted.is_idle, "their places are free")


def test_too_large_a_body_is_refused_without_being_taken(encrypted):
    with Raw(encrypted) as connection:
        stream = connection.request("POST", "/v1/chat/completions", b"x" * 1000, more=[("content-length", str(1 << 30))], end=False)
        assert connection.status(stream) == 413
        connection.wait_for(h2.events.StreamEnded, stream)
        assert connection.wait_for(h2.events.StreamReset, stream).error_code == h2.errors.ErrorCodes.NO_ERROR
        assert connection.status(connection.request("GET", "/v1/models")) == 200


def test_a_body_is_asked_for_where_the_client_waits(encrypted):
    body = json.dumps(BODY).encode()
    with Raw(encrypted) as connection:
        more = [("content-length", str(len(body))), ("expect", "100-continue")]
        stream = connection.request("POST", "/v1/chat/completions", more=more, end=False)
        event = connection.wait_for(h2.events.InformationalResponseReceived, stream)
        assert dict(event.headers)[":status"] == "100"
        connection.h2.send_data(stream, body, end_stream=True)
        connection.flush()
        assert connection.status(stream) == 200


def test_a_reader_that_opens_no_window_is_throttled_and_then_reset(tmp_path):
    with Daemon(WRITE_TIMEOUT=2, **make_certificate(tmp_path)) as own:
        own.wait_until_ready()
        with Raw(own) as connection:
            connection.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 500})
            connection.flush()
            connection.wait_for(h2.events.SettingsAcknowledged)
            connection.h2.acknowledge_received_data = lambda *_: None  # the window stays closed
            stream = connection.request("POST", "/v1/chat/completions", ENDLESS | {"logprobs": True, "top_logprobs": 20})
            connection.wait_for(h2.events.StreamReset, stream)
            wait_for(lambda: own.is_idle, "its place is free")
            assert len(connection.text(stream)) <= 500
            assert connection.status(connection.request("HEAD", "/v1/models")) == 200


def test_a_stop_signal_lets_streams_finish_and_says_farewell(tmp_path):
    with Daemon(**make_certificate(tmp_path)) as own:
        own.wait_until_ready()
        command = ["curl", "--silent", "--show-error", "--no-buffer", "--http2", "--cacert", own.certificate, "--json"]
        command += [json.dumps(ENDLESS | {"max_tokens": 40}), f"{own.base_url}/v1/chat/completions"]
        with Raw(own) as idle:
            idle.wait_for(h2.events.SettingsAcknowledged)
            clients = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
            begun = [client.stdout.readline() for client in clients]
            assert all(begun)
            own.process.send_signal(signal.SIGTERM)
            # The library takes a farewell for the end: the frames themselves are looked at.
            received = b""
            while piece := idle.socket.recv(65536):
                received += piece
            assert received[3] == GoAwayFrame.type and received[13:17] == bytes(4), "no error is given as the reason"
        for client in clients:
            assert "data: [DONE]\n\n" in client.stdout.read()
            assert client.wait(60) == 0, "the frame that ends the stream arrives"
        assert own.wait() == 0, own.log[-4000:]


def test_a_client_that_never_answers_does_not_hold_up_the_end(tmp_path):
    """One stops in the handshake, one before the preface, one answers no ping."""
    with Daemon(**make_certificate(tmp_path)) as own:
        own.wait_until_ready()
        context = ssl.create_default_context(cafile=own.certificate)
        context.set_alpn_protocols(["h2"])
        with socket.create_connection(("127.0.0.1", own.port)) as silent, socket.create_connection(("127.0.0.1", own.port)) as plain:
            silent.sendall(b"\x16\x03\x01")
            with context.wrap_socket(plain, server_hostname="localhost"), Raw(own) as deaf:
                deaf.wait_for(h2.events.RemoteSettingsChanged)
                own.terminate()
                assert own.wait(60) == 0, own.log[-4000:]
                assert "cut short" not in own.log, "nobody had to wait for the time of running replies to pass"


def still_serves(daemon):
    with httpx.Client(base_url=daemon.base_url, verify=daemon.trust, http2=True, timeout=60) as made:
        return made.get("/api/ready").status_code == 200


def test_rapid_resets_close_the_connection(encrypted):
    """CVE-2023-44487: requests that are taken back at once, thousands of them."""
    with Raw(encrypted) as connection:
        try:
            for _ in range(2000):
                stream = connection.request("POST", "/v1/chat/completions", ENDLESS)
                connection.h2.reset_stream(stream)
                connection.flush()
        except (ConnectionError, ssl.SSLError, h2.exceptions.ProtocolError):
            pass
        else:
            connection.drain()
            assert any(isinstance(event, h2.events.ConnectionTerminated) for event in connection.events) or connection.has_ended
    wait_for(lambda: encrypted.is_idle, "nothing is left of it")
    assert still_serves(encrypted)


def test_more_streams_than_allowed_are_refused(encrypted):
    with Raw(encrypted) as connection:
        settings = connection.wait_for(h2.events.RemoteSettingsChanged).changed_settings
        assert settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS].new_value == 100
        connection.h2.remote_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = 1000
        connection.h2.remote_settings.acknowledge()
        body = [connection.request("POST", "/v1/chat/completions", b"{", end=False) for _ in range(101)]
        while not connection.has_ended and not any(isinstance(e, h2.events.StreamReset) for e in connection.events):
            connection.receive()
        assert not any(isinstance(e, h2.events.ResponseReceived) for e in connection.events if getattr(e, "stream_id", None) in body[:100])
    assert still_serves(encrypted)


@pytest.mark.parametrize("attack", ["headers", "continuation", "pings", "settings", "empty", "garbage"])
def test_hostile_frames_end_the_connection_and_nothing_else(encrypted, attack):
    with Raw(encrypted, checks=False) as connection:
        try:
            if attack == "headers":
                connection.request("GET", "/v1/models", more=[(f"x-{n}", "a" * 1000) for n in range(100)])
            elif attack == "continuation":
                head = HeadersFrame(1, data=connection.h2.encoder.encode([(":method", "GET")]))
                connection.socket.sendall(head.serialize())
                for _ in range(1000):
                    connection.socket.sendall(ContinuationFrame(1, data=b"\x00\x01a\x01b").serialize())
            elif attack == "pings":
                for _ in range(5000):
                    connection.h2.ping(b"12345678")
                    connection.flush()
            elif attack == "settings":
                for _ in range(5000):
                    connection.h2.update_settings({h2.settings.SettingCodes.ENABLE_PUSH: 0})
                    connection.flush()
            elif attack == "empty":
                stream = connection.request("POST", "/v1/chat/completions", end=False)
                for _ in range(5000):
                    connection.h2.send_data(stream, b"")
                    connection.flush()
            else:
                connection.socket.sendall(b"\xff" * 100_000)
            connection.drain()
        except (ConnectionError, ssl.SSLError, h2.exceptions.ProtocolError):
            pass
    assert still_serves(encrypted)


@pytest.mark.parametrize("more", [
    [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")],
    [("transfer-encoding", "chunked")], [("TE", "gzip")], [("x\r\ny", "z")], [("content-length", "-1")], [(":path", "/v1/models")],
], ids=["websocket", "chunked", "upper case", "line break", "negative length", "two paths"])
def test_malformed_requests_are_never_granted(encrypted, more):
    with Raw(encrypted, checks=False) as connection:
        stream = connection.request("GET", "/api/ws/chat", more=more)
        kinds = (h2.events.StreamReset, h2.events.ResponseReceived, h2.events.ConnectionTerminated)
        while not connection.has_ended and not any(isinstance(event, kinds) for event in connection.events):
            connection.receive()
        answers = [event for event in connection.events if isinstance(event, h2.events.ResponseReceived) and event.stream_id == stream]
        assert all(dict(answer.headers)[":status"] in ("400", "426") for answer in answers)
    assert still_serves(encrypted)
