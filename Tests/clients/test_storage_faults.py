"""What the database goes through: killed daemons, a full disk, a database that is read-only or no database.

STELLAR_KILLS is how often the daemon is killed (10 by default; 50 in the long run: STELLAR_KILLS=50).
"""

import concurrent.futures
import os
import random
import resource
import signal
import sqlite3
import subprocess
import time

import httpx
import pytest

from conftest import CAPITAL, STORY, need, wait_for
from daemon import Daemon

KILLS = int(os.environ.get("STELLAR_KILLS") or 10)


def check(data):
    with sqlite3.connect(data / "stellarchat.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        # What is being generated is not in the index; of a killed daemon such messages are left.
        if not database.execute("SELECT 1 FROM message WHERE state = 'streaming'").fetchone():
            database.execute("INSERT INTO message_text (message_text, rank) VALUES ('integrity-check', 1)")


def write_until_it_dies(base_url, worker, acknowledged):
    """Adds messages one after the other; notes each that was acknowledged."""
    session = f"w{worker}-{random.getrandbits(40):x}"
    with httpx.Client(base_url=base_url, timeout=10) as http:
        try:
            assert http.post("/api/sessions", json={"id": session}).status_code == 201
            for number in range(10**6):
                body = {"id": f"m{number}", "role": "user", "content": f"message {number} " + "x" * random.randrange(4000)}
                if http.post(f"/api/sessions/{session}/messages", json=body).status_code == 201:
                    acknowledged.append((session, body["id"], body["content"]))
        except httpx.TransportError:
            pass


def chat_until_it_dies(base_url, acknowledged):
    """A stored stream; its user's message is acknowledged by the first event."""
    session = f"c-{random.getrandbits(40):x}"
    body = {"messages": STORY, "stream": True, "ignore_eos": True, "max_tokens": 4000}
    try:
        query = {"session_id": session, "user_message_id": "u"}
        with httpx.stream("POST", base_url + "/api/chat/completions", params=query, json=body, timeout=30) as response:
            for line in response.iter_lines():
                if line.startswith("data: ") and (session, "u", STORY[0]["content"]) not in acknowledged:
                    acknowledged.append((session, "u", STORY[0]["content"]))
    except httpx.TransportError:
        pass


def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path):
    data = tmp_path / "data"
    everything, states = [], set()
    for _ in range(KILLS):
        acknowledged = []
        with Daemon(DATA_DIR=data, THREADS=1) as victim, concurrent.futures.ThreadPoolExecutor(5) as pool:
            victim.wait_until_ready()
            writers = [pool.submit(write_until_it_dies, victim.base_url, worker, acknowledged) for worker in range(4)]
            writers.append(pool.submit(chat_until_it_dies, victim.base_url, acknowledged))
            wait_for(lambda: len(acknowledged) > 3, "something is written")
            time.sleep(random.uniform(0, 0.6))
            victim.process.send_signal(signal.SIGKILL)
            victim.wait()
            for writer in writers:
                writer.result()
        assert len(acknowledged) > 3
        everything += acknowledged
        check(data)
        with sqlite3.connect(data / "stellarchat.sqlite") as database:
            query = "SELECT s.id, m.id, m.content FROM message m JOIN session s ON s.row = m.session"
            stored = {(session, message): content for session, message, content in database.execute(query)}
        lost = [entry[:2] for entry in everything if stored.get(entry[:2]) != entry[2]]
        assert lost == []
    with Daemon(DATA_DIR=data) as last:
        last.wait_until_ready()
        with sqlite3.connect(data / "stellarchat.sqlite") as database:
            states = {state for (state,) in database.execute("SELECT DISTINCT state FROM message")}
    check(data)
    assert "streaming" not in states and "interrupted" in states, "what was cut short is marked"
    print(f"{KILLS} kills, {len(everything)} acknowledged messages, none lost")


def test_a_stopped_daemon_leaves_its_running_replies_stored(tmp_path):
    body = {"messages": STORY, "stream": True, "ignore_eos": True, "max_tokens": 4000}
    with Daemon(DATA_DIR=tmp_path / "data") as own:
        own.wait_until_ready()
        with httpx.stream("POST", own.base_url + "/api/chat/completions", params={"session_id": "s"}, json=body, timeout=60) as response:
            lines = response.iter_lines()
            for _ in range(20):
                next(lines)
            own.terminate()
            time.sleep(0.2)
            own.terminate()  # the second signal cuts replies short
            assert own.wait(30) == 0
    with sqlite3.connect(tmp_path / "data" / "stellarchat.sqlite") as database:
        state, content = database.execute("SELECT state, content FROM message WHERE role = 'assistant'").fetchone()
    assert state == "interrupted" and content


def chat(http, **query):
    return http.post("/api/chat/completions", params=query, json={"messages": CAPITAL, "max_tokens": 8, "temperature": 0})


def fill(http):
    """Adds messages, at last small ones, until the database takes not even those."""
    http.post("/api/sessions", json={"id": "filler"})
    for size in (50_000, 4_000, 200, 10):
        for _ in range(2_000):
            answer = http.post("/api/sessions/filler/messages", json={"role": "user", "content": os.urandom(size).hex()})
            if answer.status_code != 201:
                break
        else:
            pytest.fail("the disk is never full")
    return answer


def survives(own, http):
    """The disk is full: chat goes on, everything says so, and nothing that was stored is lost."""
    refused = fill(http)
    assert refused.status_code in (503, 507), refused.text
    assert refused.json()["error"]["code"] in ("storage_full", "storage_unavailable")
    before = http.get("/api/sessions/filler").json()["message_count"]
    answer = chat(http, session_id="new")
    assert answer.status_code == 200 and "x-session-id" not in answer.headers
    assert "Paris" in answer.json()["choices"][0]["message"]["content"]
    health = own.health()
    assert health["status"] == "ok" and health["sessions"]["status"] == "error" and health["sessions"]["message"]
    assert "The database fails; chat goes on" in own.log
    assert own.log.count("The database fails") < 5, "the log is not flooded"
    assert http.get("/api/sessions/filler").json()["message_count"] == before, "what is stored can still be read"


def test_chat_goes_on_when_the_disk_is_full(tmp_path):
    mount = tmp_path / "small"
    mount.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", mount], capture_output=True)
    need(mounted.returncode == 0, "a small file system can't be mounted here")
    try:
        with Daemon(DATA_DIR=mount / "data") as own, httpx.Client(base_url=own.wait_until_ready().base_url, timeout=60) as http:
            survives(own, http)
            subprocess.run(["mount", "-o", "remount,size=64m", mount], check=True)
            wait_for(lambda: http.post("/api/sessions", json={}).status_code == 201, "it stores again")
            assert own.health()["sessions"]["status"] == "ok"
            assert chat(http, session_id="later").headers["x-session-id"] == "later"
        check(mount / "data")
    finally:
        subprocess.run(["umount", "-l", mount])


def test_a_limit_on_the_size_of_files_does_not_end_the_daemon():
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))

    with Daemon(preexec=limit) as own, httpx.Client(base_url=own.wait_until_ready().base_url, timeout=60) as http:
        survives(own, http)
        assert own.process.poll() is None


@pytest.mark.parametrize("content", [b"this is no database, but it is long enough to look at" * 100, None])
def test_without_a_usable_database_the_daemon_does_not_start_and_says_why(tmp_path, content):
    if content:
        (tmp_path / "stellarchat.sqlite").write_bytes(content)
    else:
        (tmp_path / "stellarchat.sqlite").mkdir()
    with Daemon(DATA_DIR=tmp_path) as own:
        assert own.wait(30) == 1
        assert "stellarchat.sqlite" in own.log and "SESSIONS=off" in own.log


def test_two_daemons_may_share_a_database(tmp_path):
    with Daemon(DATA_DIR=tmp_path, THREADS=1) as first, Daemon(DATA_DIR=tmp_path, THREADS=1) as second:
        for number, own in enumerate((first, second)):
            own.wait_until_ready()
            assert httpx.post(own.base_url + "/api/sessions", json={"id": f"s{number}"}).status_code == 201
        assert {s["id"] for s in httpx.get(first.base_url + "/api/sessions").json()["data"]} == {"s0", "s1"}
    check(tmp_path)
