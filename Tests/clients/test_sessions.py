"""Stored conversations: over REST, and while chatting over HTTP and WebSocket."""

import contextlib
import json
import subprocess
import time

import httpx
import pytest
from websockets.sync.client import connect

from conftest import CAPITAL, STORY, wait_for
from daemon import PROGRAMS, Daemon


@pytest.fixture
def session(http):
    made = http.post("/api/sessions", json={})
    assert made.status_code == 201
    yield made.json()["id"]
    http.delete(f"/api/sessions/{made.json()['id']}")


def messages(http, session):
    answer = http.get(f"/api/sessions/{session}/messages")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def add(http, session, role, content, **fields):
    answer = http.post(f"/api/sessions/{session}/messages", json={"role": role, "content": content} | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def chat(http, body, **query):
    return http.post("/api/chat/completions", params=query, json={"temperature": 0, "max_tokens": 16} | body)


def test_a_session_is_made_read_changed_and_deleted(http):
    made = http.post("/api/sessions", json={"title": "First", "model": "m", "settings": {"temperature": 0.5}, "pinned": True}).json()
    assert made["object"] == "session" and made["title"] == "First" and made["pinned"] and made["settings"] == {"temperature": 0.5}
    assert made["current_message_id"] is None and made["system_prompt"] is None and made["message_count"] == 0
    assert abs(made["created_at"] / 1000 - time.time()) < 60 and made["updated_at"] == made["created_at"]
    url = f"/api/sessions/{made['id']}"
    assert http.get(url).json() == made
    changed = http.patch(url, json={"title": "Second", "model": None, "pinned": False}).json()
    assert changed["title"] == "Second" and changed["model"] is None and changed["pinned"] is False
    assert changed["settings"] == {"temperature": 0.5}, "what is not named stays"
    assert http.delete(url).json() == {"id": made["id"], "object": "session.deleted", "deleted": True}
    for answer in (http.get(url), http.patch(url, json={}), http.delete(url), http.get(url + "/messages"), http.get(url + "/history")):
        assert answer.status_code == 404 and answer.json()["error"]["code"] == "session_not_found"


def test_a_client_may_choose_ids_but_not_twice(http, session):
    taken = http.post("/api/sessions", json={"id": session})
    assert taken.status_code == 409 and taken.json()["error"]["code"] == "id_taken"
    for wrong in ("", "x" * 65, "a b", "ä", "../x"):
        assert http.post("/api/sessions", json={"id": wrong}).status_code == 400
    assert add(http, session, "user", "hi", id="m-1")["id"] == "m-1"
    assert http.post(f"/api/sessions/{session}/messages", json={"id": "m-1", "role": "user", "content": "x"}).status_code == 409


@pytest.mark.parametrize(
    "body", [{"title": 7}, {"title": "x" * 501}, {"settings": []}, {"pinned": "yes"}, {"current_message_id": "none"}, [], "text"]
)
def test_a_wrong_change_is_refused_and_changes_nothing(http, session, body):
    before = http.get(f"/api/sessions/{session}").json()
    answer = http.patch(f"/api/sessions/{session}", json=body)
    assert answer.status_code in (400, 404) and answer.json()["error"]["message"]
    assert http.get(f"/api/sessions/{session}").json() == before


def test_messages_are_a_tree_and_history_is_one_branch(http, session):
    root = add(http, session, "user", "question")
    first = add(http, session, "assistant", "answer one")
    second = add(http, session, "assistant", "answer two", parent_id=root["id"])
    other = add(http, session, "user", "another start", parent_id=None)
    assert [m["parent_id"] for m in (root, first, second, other)] == [None, root["id"], root["id"], None]
    assert [m["id"] for m in messages(http, session)] == [m["id"] for m in (root, first, second, other)]
    history = f"/api/sessions/{session}/history"
    assert [m["id"] for m in http.get(history).json()["data"]] == [other["id"]]
    http.patch(f"/api/sessions/{session}", json={"current_message_id": first["id"]})
    assert [m["id"] for m in http.get(history).json()["data"]] == [root["id"], first["id"]]
    edited = http.patch(f"/api/sessions/{session}/messages/{first['id']}", json={"content": "edited"}).json()
    assert edited["content"] == "edited" and edited["updated_at"] >= edited["created_at"]
    gone = http.delete(f"/api/sessions/{session}/messages/{root['id']}").json()
    assert gone == {"id": root["id"], "object": "session.message.deleted", "deleted": True}
    assert [m["id"] for m in messages(http, session)] == [other["id"]], "what followed it went with it"
    assert http.get(f"/api/sessions/{session}").json()["current_message_id"] is None


def test_a_branch_of_two_thousand_messages_can_be_read_and_deleted(http):
    chain = [{"id": f"m{i}", "parent_id": f"m{i - 1}" if i else None, "role": "user", "content": str(i)} for i in range(2000)]
    document = {"format": "stellarchat.session", "version": 1, "session": {"id": "deep", "current_message_id": "m1999"}, "messages": chain}
    imported = http.post("/api/sessions/import", json=document)
    assert imported.status_code == 201, imported.text
    url = "/api/sessions/" + imported.json()["data"][0]["id"]
    assert [m["content"] for m in http.get(url + "/history").json()["data"]] == [str(i) for i in range(2000)]
    page = http.get(url + "/messages", params={"limit": 300, "after": "m499"}).json()
    assert [m["id"] for m in page["data"]] == [f"m{i}" for i in range(500, 800)] and page["has_more"]
    assert http.delete(url + "/messages/m1").status_code == 200
    assert http.get(url).json()["message_count"] == 1 and http.get(url).json()["current_message_id"] == "m0"
    assert http.delete(url).status_code == 200


def test_the_list_comes_in_pages_newest_first():
    with Daemon() as own, httpx.Client(base_url=own.wait_until_ready().base_url) as http:
        ids = [http.post("/api/sessions", json={"id": f"s{i}"}).json()["id"] for i in range(7)]
        add(http, "s2", "user", "now the newest")
        expected = ["s2"] + [i for i in reversed(ids) if i != "s2"]
        seen, after = [], {}
        while True:
            page = http.get("/api/sessions", params={"limit": 3} | after).json()
            seen += [s["id"] for s in page["data"]]
            if not page["has_more"]:
                break
            after = {"after": seen[-1]}
        assert seen == expected
        for wrong in ({"limit": 0}, {"limit": 201}, {"limit": "x"}):
            assert http.get("/api/sessions", params=wrong).status_code == 400
        assert http.get("/api/sessions", params={"after": "none"}).status_code == 404


def test_search_finds_words_in_titles_and_messages_in_any_language():
    with Daemon() as own, httpx.Client(base_url=own.wait_until_ready().base_url) as http:
        for name, title, text in (
            ("en", "Lighthouses", "The keeper of the Lighthouse collects storms. 100% sure_thing"),
            ("zh", "北京", "北京的历史很长。故宫在市中心，天安门广场也在那里。"),
            ("other", "Cooking", "Boil the rice for ten minutes."),
        ):
            http.post("/api/sessions", json={"id": name, "title": title})
            add(http, name, "user", text)

        def found(text):
            answer = http.get("/api/sessions", params={"search": text})
            assert answer.status_code == 200, answer.text
            return {s["id"]: s["snippet"] for s in answer.json()["data"]}

        assert found("storms").keys() == {"en"} and "storms" in found("storms")["en"]
        assert found("LIGHTHOUSE keeper").keys() == {"en"}
        assert found("故宫").keys() == {"zh"} and "故宫" in found("故宫")["zh"], "two characters, fewer than a trigram"
        assert found("天安门广场").keys() == {"zh"}
        assert found("史").keys() == {"zh"}
        assert found("cook").keys() == {"other"}, "in the title alone"
        assert found("100%").keys() == {"en"} and found("%").keys() == {"en"} and found("sure_t").keys() == {"en"}
        assert found("suresthing") == {}, "an underscore is no wild card"
        assert found('"').keys() == set() and found("a OR b").keys() == set() and found("NEAR(x").keys() == set()
        assert len(http.get("/api/sessions", params={"search": " "}).json()["data"]) == 3, "blanks search for nothing"
        assert http.get("/api/sessions", params={"search": "x" * 257}).status_code == 400
        message = messages(http, "en")[0]["id"]
        http.patch(f"/api/sessions/en/messages/{message}", json={"content": "calm weather"})
        assert found("storms") == {} and found("calm").keys() == {"en"}, "the index follows the text"
        http.delete("/api/sessions/en")
        assert found("calm") == {}


def test_chatting_stores_both_sides(http):
    answer = chat(http, {"messages": CAPITAL}, session_id="chat-1", user_message_id="u1", message_id="a1")
    assert answer.status_code == 200
    assert [answer.headers[f"x-{name}"] for name in ("session-id", "user-message-id", "message-id")] == ["chat-1", "u1", "a1"]
    user, reply = messages(http, "chat-1")
    assert user["content"] == CAPITAL[0]["content"] and user["parent_id"] is None and user["state"] == "complete"
    assert reply["content"] == answer.json()["choices"][0]["message"]["content"]
    assert reply["parent_id"] == "u1" and reply["state"] == "complete" and reply["finish_reason"] == "stop"
    assert reply["usage"] == answer.json()["usage"] and reply["model"] == answer.json()["model"]
    assert reply["timings"]["predicted_n"] == reply["usage"]["completion_tokens"]
    session = http.get("/api/sessions/chat-1").json()
    assert session["current_message_id"] == "a1" and session["title"] == CAPITAL[0]["content"]
    # Regenerate: the user's message is there already.
    again = chat(http, {"messages": CAPITAL}, session_id="chat-1", user_message_id="u1", message_id="a2")
    assert again.status_code == 200
    assert [(m["id"], m["parent_id"]) for m in messages(http, "chat-1")] == [("u1", None), ("a1", "u1"), ("a2", "u1")]
    taken = chat(http, {"messages": CAPITAL}, session_id="chat-1", user_message_id="u1", message_id="a2")
    assert taken.status_code == 409
    missing = chat(http, {"messages": CAPITAL}, session_id="chat-1", parent_id="none")
    assert missing.status_code == 404 and missing.json()["error"]["param"] == "parent_id"
    assert chat(http, {"messages": CAPITAL}, session_id="a b").status_code == 400
    http.delete("/api/sessions/chat-1")


def test_a_stored_stream_is_complete_when_the_client_sees_its_end(http):
    query = {"session_id": "stream-1", "message_id": "r"}
    body = {"messages": CAPITAL, "stream": True, "temperature": 0, "max_tokens": 12}
    with http.stream("POST", "/api/chat/completions", params=query, json=body) as response:
        for line in response.iter_lines():
            if line == "data: [DONE]":
                stored = messages(http, "stream-1")[1]
                assert stored["state"] == "complete" and "Paris" in stored["content"]
                break
        else:
            pytest.fail("the stream has no end")
    http.delete("/api/sessions/stream-1")


def test_a_reply_that_was_cut_is_continued(http):
    first = chat(http, {"messages": STORY, "max_tokens": 8}, session_id="cont", user_message_id="u", message_id="a").json()
    start = first["choices"][0]["message"]["content"]
    assert messages(http, "cont")[1]["finish_reason"] == "length"
    more = chat(http, {"messages": STORY + [{"role": "assistant", "content": start}]}, session_id="cont", user_message_id="u", message_id="a")
    assert more.status_code == 200, more.text
    stored = messages(http, "cont")
    assert len(stored) == 2 and stored[1]["content"] == start + more.json()["choices"][0]["message"]["content"]
    http.delete("/api/sessions/cont")


def test_a_client_that_leaves_leaves_an_interrupted_reply(http):
    body = {"messages": STORY, "stream": True, "ignore_eos": True, "max_tokens": 4000, "temperature": 0}
    with http.stream("POST", "/api/chat/completions", params={"session_id": "left"}, json=body) as response:
        lines = response.iter_lines()
        for _ in range(20):
            next(lines)
        assert messages(http, "left")[1]["state"] == "streaming"
    wait_for(lambda: messages(http, "left")[1]["state"] == "interrupted", "the reply is interrupted")
    assert messages(http, "left")[1]["content"].strip()
    http.delete("/api/sessions/left")


class Socket:
    def __init__(self, base_url, query):
        self.resources = contextlib.ExitStack()
        self.socket = self.resources.enter_context(connect(base_url.replace("http", "ws") + "/api/ws/chat" + query, open_timeout=30))
        self.start = self.receive()

    def send(self, **message):
        self.socket.send(json.dumps(message))

    def receive(self):
        return json.loads(self.socket.recv(timeout=60))

    def reply(self):
        events = [self.receive()]
        while events[-1]["event"] not in ("message_stop", "error"):
            events.append(self.receive())
        return events

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.resources.close()


def test_a_websocket_conversation_is_kept_and_taken_up_by_another_connection(daemon, http):
    with Socket(daemon.base_url, "?session_id=ws-1") as socket:
        assert socket.start["data"]["session_id"] == "ws-1"
        message = {"type": "chat.message", "content": "My name is Ada.", "user_message_id": "u1", "message_id": "a1", "max_tokens": 12}
        socket.send(**message, temperature=0)
        assert socket.reply()[-1]["event"] == "message_stop"
        first = messages(http, "ws-1")
        assert [(m["id"], m["state"]) for m in first] == [("u1", "complete"), ("a1", "complete")]
    with Socket(daemon.base_url, "?session_id=ws-1") as socket:
        socket.send(type="chat.message", content="And now?", max_tokens=4, temperature=0)
        end = [e for e in socket.reply() if e["event"] == "message_delta"][0]
        assert end["data"]["usage"]["input_tokens"] > 40, "the history was part of the prompt"
        assert len(messages(http, "ws-1")) == 4
        socket.send(type="chat.message", content="x", parent_id="none")
        assert socket.reply()[-1]["data"]["code"] == "message_not_found"
        socket.send(type="chat.message", content="A new start", parent_id=None, max_tokens=4)
        assert socket.reply()[-1]["event"] == "message_stop"
        assert len(http.get("/api/sessions/ws-1/history").json()["data"]) == 2
        socket.send(type="chat.message", user_message_id="u1", message_id="a2", max_tokens=4)
        assert socket.reply()[-1]["event"] == "message_stop"
        assert messages(http, "ws-1")[-1]["parent_id"] == "u1", "a stored message can be answered again without being sent"
    http.delete("/api/sessions/ws-1")


def test_a_cancelled_reply_and_a_lost_websocket_are_told_apart(daemon, http):
    endless = {"type": "chat.message", "content": "Tell me a long story.", "ignore_eos": True, "max_tokens": 4000}
    with Socket(daemon.base_url, "?session_id=ws-2") as socket:
        socket.send(**endless)
        for _ in range(10):
            socket.receive()
        socket.send(type="chat.cancel")
        events = socket.reply()
        assert events[-1]["event"] == "message_stop"
        reply = messages(http, "ws-2")[1]
        assert reply["state"] == "cancelled" and reply["content"], "stored before the client was told"
        socket.send(**endless)
        for _ in range(10):
            socket.receive()
    wait_for(lambda: messages(http, "ws-2")[3]["state"] == "interrupted", "the second reply is interrupted")
    http.delete("/api/sessions/ws-2")


def test_a_websocket_without_a_session_stores_nothing(daemon, http):
    before = http.get("/api/sessions").json()["data"]
    with Socket(daemon.base_url, "") as socket:
        socket.send(type="chat.message", content="Hi", max_tokens=4)
        assert socket.reply()[-1]["event"] == "message_stop"
    assert http.get("/api/sessions").json()["data"] == before


def test_export_and_import_are_inverse(http):
    chat(http, {"messages": CAPITAL}, session_id="exp", user_message_id="u", message_id="a")
    add(http, "exp", "user", "emoji 🎉, quotes \" and \\, 中文")
    one = http.get("/api/sessions/exp/export")
    assert "attachment" in one.headers["content-disposition"]
    document = one.json()
    assert document["format"] == "stellarchat.session" and document["version"] == 1
    copied = http.post("/api/sessions/import", json=document).json()["data"][0]
    assert copied["id"] != "exp", "the id is taken"
    http.delete("/api/sessions/exp")
    restored = http.post("/api/sessions/import", json=document).json()["data"][0]
    assert restored == document["session"] and http.get("/api/sessions/exp/export").json() == document
    everything = http.get("/api/sessions/export").json()
    assert everything["format"] == "stellarchat.sessions"
    assert document["session"] in [s["session"] for s in everything["sessions"]]
    for name in ("exp", copied["id"]):
        http.delete(f"/api/sessions/{name}")


MESSAGE = {"id": "m", "role": "user", "content": "x"}


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"}, {"version": 2}, {"session": {}}, {"session": {"id": "bad id"}}, {"messages": None},
        {"messages": [MESSAGE, MESSAGE]}, {"messages": [MESSAGE | {"parent_id": "none"}]}, {"messages": [MESSAGE | {"parent_id": "m"}]},
        {"messages": [MESSAGE | {"role": "tool"}]}, {"session": {"id": "x", "current_message_id": "none"}},
        {"messages": [MESSAGE | {"parent_id": "n"}, MESSAGE | {"id": "n", "parent_id": "m"}]},
    ],
)
def test_a_document_that_is_wrong_is_not_imported_at_all(http, change):
    before = http.get("/api/sessions").json()
    good = {"format": "stellarchat.session", "version": 1, "session": {"id": "import-x"}, "messages": [MESSAGE]}
    answer = http.post("/api/sessions/import", json=good | change)
    assert answer.status_code == 400 and answer.json()["error"]["type"] == "invalid_request_error"
    assert http.get("/api/sessions").json() == before


def test_backup_and_export_work_beside_a_running_daemon(tmp_path):
    def tool(*words, data, **options):
        command = [PROGRAMS / "stellarchatd", *words, "--data-dir", data]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)

    with Daemon() as own, httpx.Client(base_url=own.wait_until_ready().base_url) as http:
        http.post("/api/sessions", json={"id": "kept", "title": "Kept"})
        add(http, "kept", "user", "do not lose me")
        copy = tmp_path / "copy"
        copy.mkdir()
        assert tool("backup", str(copy / "stellarchat.sqlite"), data=own.data).returncode == 0
        again = tool("backup", str(copy / "stellarchat.sqlite"), data=own.data)
        assert again.returncode == 1 and "exists" in again.stderr, "a backup overwrites nothing"
        assert tool("sessions", "export", str(tmp_path / "all.json"), data=own.data).returncode == 0
    other = tmp_path / "other"
    assert tool("sessions", "import", str(tmp_path / "all.json"), data=other).returncode == 0
    for data in (copy, other):
        with Daemon(DATA_DIR=data) as restored, httpx.Client(base_url=restored.wait_until_ready().base_url) as http:
            assert messages(http, "kept")[0]["content"] == "do not lose me"


def test_without_a_database_the_daemon_chats_and_says_that_it_stores_nothing():
    with Daemon(SESSIONS="off") as own, httpx.Client(base_url=own.wait_until_ready().base_url, timeout=60) as http:
        assert chat(http, {"messages": CAPITAL}).status_code == 200
        for answer in (http.get("/api/sessions"), chat(http, {"messages": CAPITAL}, session_id="x")):
            assert answer.status_code == 503 and answer.json()["error"]["code"] == "sessions_off"
        assert list(own.data.iterdir()) == []
