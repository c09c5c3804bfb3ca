/// Schemas of what is stored, and of the server's state.
extension APISchemas {
    static let sessions = #"""
        "Session": {"type": "object", "required": ["id", "object", "title", "created_at", "updated_at", "model", "system_prompt",
          "pinned", "settings", "current_message_id", "message_count"], "properties": {
          "id": {"$ref": "#/components/schemas/ID"}, "object": {"const": "session"}, "title": {"type": "string"},
          "created_at": {"type": "integer", "description": "Unix milliseconds."},
          "updated_at": {"type": "integer", "description": "Unix milliseconds."},
          "model": {"type": ["string", "null"]}, "system_prompt": {"type": ["string", "null"]}, "pinned": {"type": "boolean"},
          "settings": {"type": "object", "description": "What clients keep in it."},
          "current_message_id": {"type": ["string", "null"], "description": "The end of the branch that is shown."},
          "message_count": {"type": "integer", "minimum": 0},
          "snippet": {"type": "string", "description": "In results of a search: the text around what was found."}}},
        "SessionList": {"type": "object", "required": ["object", "data", "has_more"], "properties": {
          "object": {"const": "list"}, "data": {"type": "array", "items": {"$ref": "#/components/schemas/Session"}},
          "has_more": {"type": "boolean"}}},
        "NewSession": {"type": "object", "properties": {
          "id": {"type": ["string", "null"], "pattern": "^[A-Za-z0-9_-]{1,64}$", "description": "Made up if absent."},
          "title": {"type": ["string", "null"], "maxLength": \#(SessionStore.maxTitleLength)},
          "model": {"type": ["string", "null"]}, "system_prompt": {"type": ["string", "null"]},
          "pinned": {"type": ["boolean", "null"]}, "settings": {"type": ["object", "null"]}}},
        "SessionChange": {"type": "object", "properties": {
          "title": {"type": ["string", "null"], "maxLength": \#(SessionStore.maxTitleLength)},
          "model": {"type": ["string", "null"]}, "system_prompt": {"type": ["string", "null"]},
          "pinned": {"type": ["boolean", "null"]}, "settings": {"type": ["object", "null"]},
          "current_message_id": {"type": ["string", "null"]}}},
        "Message": {"type": "object", "required": ["id", "object", "session_id", "parent_id", "role", "content", "created_at",
          "updated_at", "state", "finish_reason", "model", "usage", "timings"], "properties": {
          "id": {"$ref": "#/components/schemas/ID"}, "object": {"const": "session.message"}, "session_id": {"type": "string"},
          "parent_id": {"type": ["string", "null"], "description": "null: it begins a conversation."},
          "role": {"enum": ["system", "user", "assistant"]}, "content": {"type": "string"},
          "created_at": {"type": "integer"}, "updated_at": {"type": "integer"},
          "state": {"enum": ["complete", "streaming", "cancelled", "interrupted", "failed"]},
          "finish_reason": {"type": ["string", "null"]}, "model": {"type": ["string", "null"]},
          "usage": {}, "timings": {}}, "description": "Messages form a tree: editing and regenerating make branches."},
        "MessageList": {"type": "object", "required": ["object", "data", "has_more"], "properties": {
          "object": {"const": "list"}, "data": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}},
          "has_more": {"type": "boolean"}}},
        "NewMessage": {"type": "object", "required": ["role", "content"], "properties": {
          "id": {"type": ["string", "null"], "pattern": "^[A-Za-z0-9_-]{1,64}$"},
          "parent_id": {"type": ["string", "null"], "description": "Absent: the session's current message. null: none."},
          "role": {"enum": ["system", "user", "assistant"]}, "content": {"type": "string"},
          "state": {"enum": ["complete", "streaming", "cancelled", "interrupted", "failed", null],
            "description": "streaming is stored as interrupted: nothing generates it."},
          "finish_reason": {"type": ["string", "null"]}, "model": {"type": ["string", "null"]}, "usage": {}, "timings": {}}},
        "MessageChange": {"type": "object", "required": ["content"], "properties": {"content": {"type": "string"}}},
        "SessionExport": {"description": "One session with its messages, or several.", "oneOf": [
          {"type": "object", "required": ["format", "version", "session", "messages"], "properties": {
            "format": {"const": "stellarchat.session"}, "version": {"const": 1},
            "session": {"$ref": "#/components/schemas/ImportedSession"},
            "messages": {"type": "array", "items": {"$ref": "#/components/schemas/ImportedMessage"}}}},
          {"type": "object", "required": ["format", "version", "sessions"], "properties": {
            "format": {"const": "stellarchat.sessions"}, "version": {"const": 1},
            "sessions": {"type": "array", "items": {"type": "object", "required": ["session", "messages"], "properties": {
              "session": {"$ref": "#/components/schemas/ImportedSession"},
              "messages": {"type": "array", "items": {"$ref": "#/components/schemas/ImportedMessage"}}}}}}}]},
        "ImportedSession": {"type": "object", "required": ["id"], "properties": {
          "id": {"$ref": "#/components/schemas/ID"}, "title": {"type": ["string", "null"]},
          "created_at": {"type": ["integer", "null"]}, "updated_at": {"type": ["integer", "null"]},
          "model": {"type": ["string", "null"]}, "system_prompt": {"type": ["string", "null"]},
          "pinned": {"type": ["boolean", "null"]}, "settings": {"type": ["object", "null"]},
          "current_message_id": {"type": ["string", "null"]}}, "description": "A session; only id has to be there."},
        "ImportedMessage": {"type": "object", "required": ["id", "role", "content"], "properties": {
          "id": {"$ref": "#/components/schemas/ID"}, "parent_id": {"type": ["string", "null"]},
          "role": {"enum": ["system", "user", "assistant"]}, "content": {"type": "string"},
          "created_at": {"type": ["integer", "null"]}, "updated_at": {"type": ["integer", "null"]},
          "state": {"enum": ["complete", "streaming", "cancelled", "interrupted", "failed", null]},
          "finish_reason": {"type": ["string", "null"]}, "model": {"type": ["string", "null"]}, "usage": {}, "timings": {}},
          "description": "A message; parents come from the same document."},
        "Deleted": {"type": "object", "required": ["id", "object", "deleted"], "properties": {
          "id": {"type": "string"}, "object": {"type": "string"}, "deleted": {"const": true}}}
        """#

    static let administration = #"""
        "ModelList": {"type": "object", "required": ["object", "data"], "properties": {
          "object": {"const": "list"}, "data": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}}},
        "Model": {"type": "object", "required": ["id", "object", "created", "owned_by"], "properties": {
          "id": {"type": "string"}, "object": {"const": "model"},
          "created": {"type": "integer", "description": "When the file was last changed."}, "owned_by": {"type": "string"},
          "context_length": {"type": "integer", "description": "Longest sequence in tokens. Extension."}}},
        "Health": {"type": "object", "required": ["status"], "properties": {
          "status": {"enum": ["ok", "loading", "error", "stopping"]}, "model": {"type": ["string", "null"]},
          "version": {"type": "string"}, "uptime_seconds": {"type": "number"},
          "queue": {"type": "object", "required": ["running", "paused", "waiting", "capacity"], "properties": {
            "running": {"type": "integer"}, "paused": {"type": "integer"}, "waiting": {"type": "integer"},
            "capacity": {"type": "integer"}}},
          "message": {"type": "string", "description": "Why the model could not be loaded."},
          "sessions": {"type": "object", "required": ["status"], "properties": {
            "status": {"enum": ["ok", "off", "error"]}, "message": {"type": "string"}},
            "description": "How storing sessions fares; chat goes on without it."}}},
        "Readiness": {"type": "object", "required": ["ready", "status"], "properties": {
          "ready": {"type": "boolean"}, "status": {"enum": ["ok", "loading", "error", "stopping"]}}},
        "Key": {"type": "object", "required": ["id", "object", "name", "admin", "active", "created_at"], "properties": {
          "id": {"type": "string"}, "object": {"const": "api_key"}, "name": {"type": "string"}, "admin": {"type": "boolean"},
          "active": {"type": "boolean"}, "created_at": {"type": "integer", "description": "Unix milliseconds."},
          "key": {"type": "string", "description": "In the answer to its creation alone."}}},
        "KeyList": {"type": "object", "required": ["object", "data"], "properties": {
          "object": {"const": "list"}, "data": {"type": "array", "items": {"$ref": "#/components/schemas/Key"}}}},
        "NewKey": {"type": "object", "properties": {
          "name": {"type": ["string", "null"], "maxLength": 100}, "admin": {"type": ["boolean", "null"]}}},
        "Description": {"type": "object", "required": ["openapi", "info", "paths"], "description": "OpenAPI 3.1."}
        """#
}
