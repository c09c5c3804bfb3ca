"""https and wss with certificates made here by openssl; and what HTTP does to save bytes: gzip, tags, HEAD."""

import gzip
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import warnings

import httpx
import pytest
from websockets.sync.client import connect

from conftest import CAPITAL, STORY, wait_for
from daemon import Daemon

BODY = {"messages": CAPITAL, "temperature": 0, "max_tokens": 24}


def make_certificate(directory, name="localhost"):
    """A self-signed certificate for this machine. Returns the settings that name its files."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=60,
    )
    return {"TLS_CERTIFICATE": str(certificate), "TLS_PRIVATE_KEY": str(key)}


def shown_certificate(daemon):
    """What a new connection is shown, as PEM."""
    return ssl.get_server_certificate(("127.0.0.1", daemon.port), timeout=30)


def certificate_in(settings):
    with open(settings["TLS_CERTIFICATE"]) as file:
        return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(file.read()))


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory):
    with Daemon(**make_certificate(tmp_path_factory.mktemp("tls"))) as running:
        yield running.wait_until_ready()


@pytest.fixture
def https(encrypted):
    with httpx.Client(base_url=encrypted.base_url, verify=encrypted.trust, timeout=120) as made:
        yield made


def test_a_client_that_checks_the_certificate_gets_its_answer(https):
    assert "Paris" in https.post("/v1/chat/completions", json=BODY).json()["choices"][0]["message"]["content"]


def test_a_stream_is_encrypted_too(https):
    with https.stream("POST", "/v1/chat/completions", json=BODY | {"stream": True}) as response:
        assert "content-encoding" not in response.headers
        assert response.read().endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("version, works", [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_tls_begins_with_version_1_2(encrypted, version, works):
    context = ssl.create_default_context(cafile=encrypted.certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    with socket.create_connection(("127.0.0.1", encrypted.port), timeout=30) as plain:
        if works:
            with context.wrap_socket(plain, server_hostname="localhost") as secured:
                assert secured.version() == version.replace("_", ".")
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain, server_hostname="localhost")


def test_a_websocket_speaks_wss(encrypted):
    with connect(encrypted.base_url.replace("https", "wss") + "/api/ws/chat", ssl=encrypted.trust, open_timeout=30) as chat:
        assert json.loads(chat.recv(timeout=30))["event"] == "session_start"
        chat.send(json.dumps({"type": "chat.message", "content": CAPITAL[0]["content"], "temperature": 0}))
        events = [json.loads(chat.recv(timeout=60))]
        while events[-1]["event"] != "message_stop":
            events.append(json.loads(chat.recv(timeout=60)))
        assert "Paris" in "".join(e["data"]["delta"]["text"] for e in events if e["event"] == "content_block_delta")


def test_a_client_that_vanishes_without_a_farewell_ends_its_generation(encrypted):
    body = json.dumps({"messages": STORY, "stream": True, "ignore_eos": True, "max_tokens": 8000}).encode()
    with socket.create_connection(("127.0.0.1", encrypted.port), timeout=60) as plain:
        secured = encrypted.trust.wrap_socket(plain, server_hostname="localhost")
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        secured.sendall(head.encode() + body)
        received = b""
        while b'"content":"' not in received:
            received += secured.recv(65536)
        assert encrypted.health()["queue"]["running"] == 1
        os.close(secured.detach())
    wait_for(lambda: encrypted.is_idle, "the generation has ended")
    ends = httpx.get(f"{encrypted.base_url}/metrics", verify=encrypted.trust, timeout=30).text
    assert re.search(r'"cancelled"[^\n]* 1(\.0)?$', ends, re.MULTILINE), ends


def test_a_client_that_speaks_plain_http_gets_nothing_and_harms_nothing(encrypted):
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{encrypted.port}/api/health", timeout=30)
    for garbage in (b"\x16\x03\x01\xff\xff" + b"\x00" * 70_000, b"\x00" * 10_000, b"\x16\x03\x01\x00\x05hello"):
        with socket.create_connection(("127.0.0.1", encrypted.port), timeout=30) as raw:
            try:
                raw.sendall(garbage)
                while raw.recv(65536):
                    pass
            except ConnectionError:
                pass
    assert encrypted.health()["status"] == "ok"


def test_sighup_changes_the_certificate_and_a_broken_one_changes_nothing(tmp_path):
    settings = make_certificate(tmp_path)
    with Daemon(**settings) as daemon:
        daemon.wait_until_ready()
        first = certificate_in(settings)
        assert shown_certificate(daemon) == first
        with httpx.Client(base_url=daemon.base_url, verify=daemon.trust, timeout=60) as open_connection:
            assert open_connection.get("/api/health").status_code == 200
            make_certificate(tmp_path, "renewed")
            second = certificate_in(settings)
            daemon.process.send_signal(signal.SIGHUP)
            wait_for(lambda: shown_certificate(daemon) == second, "the new certificate is shown")
            assert "Certificate reloaded" in daemon.log and second != first
            assert open_connection.get("/api/health").status_code == 200
        (tmp_path / "key.pem").write_text("no key")
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "the one in use stays" in daemon.log, "the broken key is told")
        assert "TLS_PRIVATE_KEY" in daemon.log and shown_certificate(daemon) == second
        daemon.terminate()
        assert daemon.wait(30) == 0


def test_a_wrong_certificate_is_told_with_all_other_problems(tmp_path):
    settings = make_certificate(tmp_path)
    with Daemon(TLS_CERTIFICATE=settings["TLS_CERTIFICATE"], MAX_QUEUE="x") as daemon:
        assert daemon.wait(60) == 78
        assert "TLS_PRIVATE_KEY is not" in daemon.log and "MAX_QUEUE" in daemon.log
    with Daemon(TLS_CERTIFICATE="/no/such/file", TLS_PRIVATE_KEY=settings["TLS_CERTIFICATE"]) as daemon:
        assert daemon.wait(60) == 78
        assert "/no/such/file" in daemon.log and "no PEM private key" in daemon.log
    (tmp_path / "other").mkdir()
    other = make_certificate(tmp_path / "other")
    with Daemon(TLS_CERTIFICATE=settings["TLS_CERTIFICATE"], TLS_PRIVATE_KEY=other["TLS_PRIVATE_KEY"]) as daemon:
        assert daemon.wait(60) == 78 and "is not the key of the certificate" in daemon.log


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A daemon with a small web chat."""
    root = tmp_path_factory.mktemp("site")
    (root / "assets").mkdir()
    (root / "index.html").write_text("<!doctype html>" + "<p>index</p>" * 200)
    (root / "sw.js").write_text("// worker\n" * 200)
    (root / "assets/app-ABCD1234.js").write_text("let x = 1;\n" * 400)
    with Daemon(WEB_ROOT=root) as running:
        yield running.wait_until_ready()


@pytest.fixture
def web(site):
    with httpx.Client(base_url=site.base_url, timeout=60) as made:
        yield made


def test_json_is_compressed_for_those_who_take_it(web):
    text = "word " * 800
    for accepted, coding in [("gzip", "gzip"), ("identity", None), ("gzip;q=0", None)]:
        response = web.post("/v1/tokenize", json={"content": text}, headers={"Accept-Encoding": accepted})
        assert response.status_code == 200, response.text[:500]
        assert response.headers.get("content-encoding") == coding and "Accept-Encoding" in response.headers["vary"]
        assert response.json()
    small = web.get("/v1/models", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in small.headers


def test_events_are_never_compressed(web):
    body = BODY | {"stream": True}
    with web.stream("POST", "/v1/chat/completions", json=body, headers={"Accept-Encoding": "gzip, deflate, br"}) as response:
        assert "content-encoding" not in response.headers
        assert response.read().endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("path, caching", [
    ("/", "no-cache"), ("/chat/42", "no-cache"), ("/sw.js", "no-cache"), ("/assets/app-ABCD1234.js", "public, max-age=31536000, immutable"),
])
def test_files_are_compressed_tagged_and_cached_as_they_should(web, path, caching):
    plain = web.get(path, headers={"Accept-Encoding": "identity"})
    packed = web.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and packed.content == plain.content
    assert int(packed.headers["content-length"]) == packed.num_bytes_downloaded < len(plain.content)
    for response in (plain, packed):
        assert response.headers["cache-control"] == caching and "Accept-Encoding" in response.headers["vary"]
        assert response.headers["etag"] == plain.headers["etag"] and response.headers["last-modified"]
    for headers in ({"If-None-Match": plain.headers["etag"]}, {"If-Modified-Since": plain.headers["last-modified"]}):
        known = web.get(path, headers=headers)
        assert (known.status_code, known.content) == (304, b"") and known.headers["etag"] == plain.headers["etag"]
    head = web.head(path)
    assert (head.status_code, head.content) == (200, b"") and head.headers["content-type"] == plain.headers["content-type"]


def test_gzip_is_what_gzip_reads(site, tmp_path):
    file = tmp_path / "body"
    command = ["curl", "--silent", "--show-error", "--header", "Accept-Encoding: gzip", "--output", file, f"{site.base_url}/sw.js"]
    subprocess.run(command, check=True, timeout=60)
    assert gzip.decompress(file.read_bytes()) == b"// worker\n" * 200


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/ready", "/v1/models", "/metrics", "/api/sessions"])
def test_every_get_has_its_head(web, path):
    head, whole = web.head(path), web.get(path)
    assert head.status_code == whole.status_code == 200 and head.content == b""
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_pipelined_requests_are_answered_in_order(site):
    slow = json.dumps(BODY).encode()
    requests = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(slow), slow)
    requests += b"".join(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path for path in (b"/v1/models", b"/v1/none"))
    requests += b"GET /api/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as raw:
        raw.sendall(requests)
        answer = b""
        while piece := raw.recv(65536):
            answer += piece
    marks = [answer.index(mark) for mark in (b"chat.completion", b'"object":"list"', b"404 Not Found", b'"ready":true')]
    assert marks == sorted(marks) and answer.count(b"HTTP/1.1 ") == 4
