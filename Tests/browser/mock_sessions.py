"""The sessions API of the stand-in: conversations in memory, with the same paths, shapes and rules as the daemon's."""

import json
import time
import uuid
from urllib.parse import parse_qs, unquote, urlsplit


def now():
    return int(time.time() * 1000)


def new_id():
    return uuid.uuid4().hex


def error(status, message, code=None):
    return status, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


class SessionStore:
    def __init__(self):
        self.sessions = {}
        self.messages = {}  # by session: by id, in order of creation

    def session(self, identifier):
        return {**self.sessions[identifier], "message_count": len(self.messages[identifier])}

    def create(self, fields):
        identifier = fields.get("id") or new_id()
        self.sessions[identifier] = {
            "id": identifier, "object": "session", "title": fields.get("title") or "", "created_at": now(), "updated_at": now(),
            "model": fields.get("model"), "system_prompt": fields.get("system_prompt"), "pinned": bool(fields.get("pinned")),
            "settings": fields.get("settings") or {}, "current_message_id": None,
        }  # fmt: skip
        self.messages[identifier] = {}
        return self.session(identifier)

    def add(self, session_id, fields, moves=True):
        session = self.sessions[session_id]
        message = {
            "id": fields.get("id") or new_id(), "object": "session.message", "session_id": session_id,
            "parent_id": fields["parent_id"] if "parent_id" in fields else session["current_message_id"],
            "role": fields["role"], "content": fields.get("content", ""), "created_at": now(), "updated_at": now(),
            "state": fields.get("state", "complete"), "finish_reason": None, "model": None, "usage": None, "timings": None,
        }  # fmt: skip
        self.messages[session_id][message["id"]] = message
        session["updated_at"] = now()
        if moves:
            session["current_message_id"] = message["id"]
        return message

    def begin_reply(self, record, messages):
        """Stores the user's message, and gives the one that the reply will be written into."""
        session_id = record["session_id"]
        if session_id not in self.sessions:
            self.create({"id": session_id})
        stored = self.messages[session_id]
        continues = messages and messages[-1]["role"] == "assistant"
        user = record.get("user_message_id") or new_id()
        if user not in stored:
            text = next(m["content"] for m in reversed(messages) if m["role"] == "user")
            fields = {"id": user, "role": "user", "content": text}
            if "parent_id" in record:
                fields["parent_id"] = record["parent_id"] or None
            self.add(session_id, fields)
        identifier = record.get("message_id") or new_id()
        if continues and identifier in stored:
            reply = stored[identifier]
            reply["state"] = "streaming"
        else:
            reply = self.add(session_id, {"id": identifier, "parent_id": user, "role": "assistant", "state": "streaming"})
        self.sessions[session_id]["current_message_id"] = reply["id"]
        return reply

    def remove_message(self, session_id, identifier):
        stored = self.messages[session_id]
        message = stored.pop(identifier, None)
        for child in [m["id"] for m in stored.values() if m["parent_id"] == identifier]:
            self.remove_message(session_id, child)
        session = self.sessions[session_id]
        if message and session["current_message_id"] not in stored:
            session["current_message_id"] = message["parent_id"]

    def document(self, identifier):
        return {"session": self.session(identifier), "messages": list(self.messages[identifier].values())}

    def handle(self, method, target, body):
        """(status, JSON) of a request below /api/sessions."""
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        parts = [unquote(part) for part in url.path.removeprefix("/api/sessions").strip("/").split("/") if part]
        fields = json.loads(body) if body else {}
        if not parts:
            return self._collection(method, query, fields)
        if parts == ["export"]:
            documents = [self.document(identifier) for identifier in self.sessions]
            return 200, {"format": "stellarchat.sessions", "version": 1, "sessions": documents}
        if parts == ["import"]:
            return self._import(fields)
        if parts[0] not in self.sessions:
            return error(404, "There is no such session.", "session_not_found")
        return self._one(method, parts, query, fields)

    def _collection(self, method, query, fields):
        if method == "POST":
            if fields.get("id") in self.sessions:
                return error(409, "This id is taken.", "session_exists")
            return 201, self.create(fields)
        found = sorted((self.session(i) for i in self.sessions), key=lambda s: -s["updated_at"])
        needle = query.get("search", "").lower()
        if needle:
            found = [hit for hit in (self._match(session, needle) for session in found) if hit]
        return page(found, query, 50)

    def _match(self, session, needle):
        for message in self.messages[session["id"]].values():
            if needle in message["content"].lower():
                return {**session, "snippet": message["content"][:120]}
        return session if needle in session["title"].lower() else None

    def _one(self, method, parts, query, fields):
        identifier = parts[0]
        session = self.sessions[identifier]
        if len(parts) == 1:
            if method == "DELETE":
                del self.sessions[identifier], self.messages[identifier]
                return 200, {"id": identifier, "object": "session.deleted", "deleted": True}
            if method == "PATCH":
                session.update(fields)
            return 200, self.session(identifier)
        if parts[1] == "export":
            return 200, {"format": "stellarchat.session", "version": 1, **self.document(identifier)}
        if len(parts) == 2:
            if method == "POST":
                return 201, self.add(identifier, fields)
            return page(list(self.messages[identifier].values()), query, 100)
        if parts[2] not in self.messages[identifier]:
            return error(404, "There is no such message.", "message_not_found")
        if method == "DELETE":
            self.remove_message(identifier, parts[2])
            return 200, {"id": parts[2], "object": "session.message.deleted", "deleted": True}
        self.messages[identifier][parts[2]].update(fields)
        return 200, self.messages[identifier][parts[2]]

    def _import(self, document):
        formats = {"stellarchat.session": [document], "stellarchat.sessions": document.get("sessions", [])}
        parts = formats.get(document.get("format"))
        if parts is None:
            return error(400, "This is not an export of StellarChat.", "bad_import")
        added = []
        for part in parts:
            session = dict(part["session"])
            session["id"] = session["id"] if session["id"] not in self.sessions else new_id()
            self.sessions[session["id"]] = session
            self.messages[session["id"]] = {m["id"]: {**m, "session_id": session["id"]} for m in part["messages"]}
            added.append(self.session(session["id"]))
        return 201, {"object": "list", "data": added}


def page(items, query, default):
    start = next((i + 1 for i, item in enumerate(items) if item["id"] == query.get("after")), 0)
    limit = int(query.get("limit", default))
    return 200, {"object": "list", "data": items[start : start + limit], "has_more": len(items) > start + limit}
