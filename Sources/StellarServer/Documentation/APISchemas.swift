/// The named parts of the description, as JSON text: what is read here is what clients see.
enum APISchemas {
    static let schemas = [requests, answers, sessions, administration]

    static let security = #"""
        {
          "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer KEY"},
          "apiKeyHeader": {"type": "apiKey", "in": "header", "name": "x-api-key"}
        }
        """#

    static let parameters = #"""
        {
          "model": {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}},
          "session": {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}},
          "message": {"name": "message", "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}},
          "key": {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}},
          "limit": {"name": "limit", "in": "query", "description": "Most entries of the page; 50 if absent.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 200}},
          "message_limit": {"name": "limit", "in": "query", "description": "Most entries of the page; 1000 if absent.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
          "after": {"name": "after", "in": "query", "description": "The id of the last entry of the page before.",
            "schema": {"type": "string"}},
          "search": {"name": "search", "in": "query",
            "description": "Words that must all be in the title, or all in one message.",
            "schema": {"type": "string", "maxLength": 256}},
          "session_id": {"name": "session_id", "in": "query", "description": "Store the exchange in this session.",
            "schema": {"$ref": "#/components/schemas/ID"}},
          "parent_id": {"name": "parent_id", "in": "query",
            "description": "The message that the user's follows; empty: none; absent: the session's current one.",
            "schema": {"type": "string"}},
          "user_message_id": {"name": "user_message_id", "in": "query", "description": "Id of the user's message.",
            "schema": {"$ref": "#/components/schemas/ID"}},
          "message_id": {"name": "message_id", "in": "query", "description": "Id of the reply.",
            "schema": {"$ref": "#/components/schemas/ID"}},
          "websocket_session_id": {"name": "session_id", "in": "query",
            "description": "The session in which messages are stored unless they name another.",
            "schema": {"type": "string"}},
          "api_key": {"name": "api_key", "in": "query", "description": "A key, where headers can't be set.",
            "schema": {"type": "string"}}
        }
        """#

    static let headers = #"""
        {
          "retry-after": {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 0}},
          "www-authenticate": {"description": "Bearer realm=\"StellarChat\"", "schema": {"type": "string"}},
          "x-should-retry": {"description": "false: trying again would take as long.", "schema": {"type": "string"}},
          "upgrade": {"description": "websocket", "schema": {"type": "string"}},
          "sec-websocket-version": {"description": "13", "schema": {"type": "string"}},
          "content-disposition": {"description": "A name for the file.", "schema": {"type": "string"}},
          "x-session-id": {"description": "With a session: its id.", "schema": {"type": "string"}},
          "x-user-message-id": {"description": "With a session: the id of the user's message.", "schema": {"type": "string"}},
          "x-message-id": {"description": "With a session: the id of the reply.", "schema": {"type": "string"}}
        }
        """#

    /// What chat completions and completions have in common.
    private static let generationFields = #"""
        "model": {"type": ["string", "null"], "description": "One of GET /v1/models; absent or empty: the loaded model."},
        "stream": {"type": ["boolean", "null"], "description": "Answer as server-sent events."},
        "stream_options": {"type": ["object", "null"], "properties": {
          "include_usage": {"type": ["boolean", "null"]}, "include_obfuscation": {"type": ["boolean", "null"]}},
          "description": "include_usage: token counts in an extra chunk at the end."},
        "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2, "description": "0 takes the likeliest token."},
        "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1, "description": "Nucleus sampling."},
        "top_k": {"type": ["integer", "null"], "minimum": -1, "maximum": 2147483647,
          "description": "Only the likeliest k tokens; 0 and -1 keep all. Extension."},
        "min_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1,
          "description": "Only tokens with this share of the likeliest one's probability. Extension."},
        "presence_penalty": {"type": ["number", "null"], "minimum": -2, "maximum": 2},
        "frequency_penalty": {"type": ["number", "null"], "minimum": -2, "maximum": 2},
        "repetition_penalty": {"type": ["number", "null"], "minimum": 0.01, "maximum": 10, "description": "1 is off. Extension."},
        "logit_bias": {"type": ["object", "null"], "propertyNames": {"pattern": "^[0-9]{1,9}$"},
          "additionalProperties": {"type": "number", "minimum": -100, "maximum": 100},
          "description": "Token ids to additions; an id outside of the vocabulary is refused."},
        "seed": {"type": ["integer", "null"], "minimum": -9223372036854775808, "maximum": 9223372036854775807,
          "description": "Same seed and request: same text."},
        "stop": {"anyOf": [{"type": "string", "minLength": 1},
          {"type": "array", "maxItems": 16, "items": {"type": "string", "minLength": 1}}, {"type": "null"}],
          "description": "Ends the reply and is not part of it; up to 16."},
        "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 16, "description": "How many replies."},
        "ignore_eos": {"type": ["boolean", "null"], "description": "Go on after an end token, for measurements. Extension."},
        "timeout": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 86400,
          "description": "Seconds after which the reply is given up: 504, or an error event in a stream. Extension."},
        "user": {"type": ["string", "null"], "description": "Accepted, not used."}
        """#

    private static let requests = #"""
        "ID": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
        "ChatCompletionRequest": {"type": "object", "required": ["messages"], "properties": {
          "messages": {"type": "array", "minItems": 1, "maxItems": 4096, "items": {"$ref": "#/components/schemas/ChatMessage"},
            "description": "If the last one is the assistant's, the reply continues it."},
          "max_completion_tokens": {"type": ["integer", "null"], "minimum": 1, "maximum": 9223372036854775807,
            "description": "Most tokens of a reply; absent: until it ends or the context is full."},
          "max_tokens": {"type": ["integer", "null"], "minimum": 1, "maximum": 9223372036854775807,
            "description": "The older name of max_completion_tokens."},
          "logprobs": {"type": ["boolean", "null"], "description": "Log-probability of each token."},
          "top_logprobs": {"type": ["integer", "null"], "minimum": 0, "maximum": 20,
            "description": "With logprobs: the likeliest alternatives."},
          "response_format": {"anyOf": [{"type": "object", "required": ["type"], "properties": {"type": {"const": "text"}}},
            {"type": "null"}], "description": "Only text."},
          "tools": {"type": ["array", "null"], "maxItems": 0, "description": "Refused unless empty."},
          "tool_choice": {"enum": ["none", "auto", null]},
          "modalities": {"type": ["array", "null"], "items": {"const": "text"}},
          "continue_final_message": {"type": ["boolean", "null"],
            "description": "Continue the last message, which is the assistant's: the default where it is. Extension."},
          "add_generation_prompt": {"type": ["boolean", "null"],
            "description": "Begin a new reply even after the assistant's message; not with continue_final_message. Extension."},
          "session_id": {"type": ["string", "null"], "pattern": "^[A-Za-z0-9_-]{1,64}$",
            "description": "Store the exchange in this session. Extension."},
        \#(generationFields)}},
        "ChatMessage": {"anyOf": [
          {"type": "object", "required": ["role", "content"], "properties": {
            "role": {"enum": ["system", "developer", "user", "tool", "function"]},
            "content": {"$ref": "#/components/schemas/Content"}, "name": {"type": ["string", "null"]},
            "tool_call_id": {"type": ["string", "null"]}}},
          {"type": "object", "required": ["role"], "properties": {
            "role": {"const": "assistant"},
            "content": {"anyOf": [{"$ref": "#/components/schemas/Content"}, {"type": "null"}]},
            "name": {"type": ["string", "null"]}, "refusal": {"type": ["string", "null"]},
            "reasoning_content": {"type": ["string", "null"]}}}]},
        "Content": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object", "required": ["type", "text"],
          "properties": {"type": {"const": "text"}, "text": {"type": "string"}}}}]},
        "CompletionRequest": {"type": "object", "required": ["prompt"], "properties": {
          "prompt": {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "maxItems": 64, "items": {"type": "string"}},
            {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}},
            {"type": "array", "minItems": 1, "maxItems": 64,
              "items": {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}}}],
            "description": "A text, several, token ids, or several arrays of those."},
          "max_tokens": {"type": ["integer", "null"], "minimum": 0, "maximum": 9223372036854775807,
            "description": "16 if absent; 0 only with echo and logprobs."},
          "echo": {"type": ["boolean", "null"], "description": "The text begins with the prompt."},
          "logprobs": {"type": ["integer", "null"], "minimum": 0, "maximum": 20,
            "description": "Log-probabilities, with this many of the likeliest tokens."},
          "best_of": {"type": ["integer", "null"], "minimum": 1, "maximum": 16, "description": "The same as n."},
          "suffix": {"type": ["string", "null"], "maxLength": 0, "description": "Refused unless empty."},
        \#(generationFields)}},
        "TokenizeRequest": {"type": "object", "properties": {
          "model": {"type": ["string", "null"]},
          "content": {"type": ["string", "null"]}, "prompt": {"type": ["string", "null"], "description": "Another name of content."},
          "messages": {"type": ["array", "null"], "items": {"$ref": "#/components/schemas/ChatMessage"},
            "description": "Rendered by the chat template; not together with content."},
          "add_special": {"type": ["boolean", "null"], "description": "With the token that text begins with."},
          "add_special_tokens": {"type": ["boolean", "null"], "description": "Another name of add_special."},
          "parse_special": {"type": ["boolean", "null"], "description": "Take the texts of control tokens for these tokens."},
          "with_pieces": {"type": ["boolean", "null"], "description": "Answer with the text of each token too."}},
          "oneOf": [
            {"properties": {"messages": {"type": ["array", "null"], "maxItems": 0}}, "anyOf": [
              {"required": ["content"], "properties": {"content": {"type": "string"}}},
              {"required": ["prompt"], "properties": {"prompt": {"type": "string"}}}]},
            {"required": ["messages"], "properties": {"messages": {"type": "array", "minItems": 1},
              "content": {"type": "null"}, "prompt": {"type": "null"}}}]},
        "DetokenizeRequest": {"type": "object", "required": ["tokens"], "properties": {
          "model": {"type": ["string", "null"]}, "tokens": {"type": "array", "items": {"type": "integer", "minimum": 0}}}}
        """#

    private static let answers = #"""
        "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "object",
          "required": ["message", "type", "param", "code"], "properties": {
            "message": {"type": "string"}, "type": {"type": "string"}, "param": {"type": ["string", "null"]},
            "code": {"type": ["string", "null"]}}}}, "description": "message says what is wrong and what to do; code is for programs."},
        "ChatCompletion": {"type": "object", "required": ["id", "object", "created", "model", "choices", "usage"], "properties": {
          "id": {"type": "string"}, "object": {"const": "chat.completion"}, "created": {"type": "integer"},
          "model": {"type": "string"}, "system_fingerprint": {"type": "string"},
          "choices": {"type": "array", "items": {"$ref": "#/components/schemas/ChatChoice"}},
          "usage": {"$ref": "#/components/schemas/Usage"}, "timings": {"$ref": "#/components/schemas/Timings"}}},
        "ChatChoice": {"type": "object", "required": ["index", "message", "logprobs", "finish_reason"], "properties": {
          "index": {"type": "integer", "minimum": 0},
          "message": {"type": "object", "required": ["role", "content", "refusal"], "properties": {
            "role": {"const": "assistant"}, "content": {"type": ["string", "null"]}, "refusal": {"type": ["string", "null"]}}},
          "logprobs": {"anyOf": [{"$ref": "#/components/schemas/Logprobs"}, {"type": "null"}]},
          "finish_reason": {"enum": ["stop", "length"]}}},
        "ChatCompletionChunk": {"type": "object", "required": ["id", "object", "created", "model", "choices"], "properties": {
          "id": {"type": "string"}, "object": {"const": "chat.completion.chunk"}, "created": {"type": "integer"},
          "model": {"type": "string"}, "system_fingerprint": {"type": "string"},
          "choices": {"type": "array", "items": {"type": "object", "required": ["index", "delta", "finish_reason"], "properties": {
            "index": {"type": "integer", "minimum": 0},
            "delta": {"type": "object", "properties": {"role": {"const": "assistant"}, "content": {"type": "string"}}},
            "logprobs": {"$ref": "#/components/schemas/Logprobs"}, "finish_reason": {"enum": ["stop", "length", null]}}}},
          "usage": {"$ref": "#/components/schemas/Usage"}, "timings": {"$ref": "#/components/schemas/Timings"}},
          "description": "Only the first chunk of a choice has a role, only the last one a finish_reason."},
        "Logprobs": {"type": "object", "required": ["content"], "properties": {"content": {"type": "array", "items":
          {"type": "object", "required": ["token", "logprob", "bytes", "top_logprobs"], "properties": {
            "token": {"type": "string"}, "logprob": {"type": "number"},
            "bytes": {"type": ["array", "null"], "items": {"type": "integer", "minimum": 0, "maximum": 255}},
            "top_logprobs": {"type": "array", "items": {"type": "object", "required": ["token", "logprob"], "properties": {
              "token": {"type": "string"}, "logprob": {"type": "number"},
              "bytes": {"type": ["array", "null"], "items": {"type": "integer"}}}}}}}}}},
        "Usage": {"type": "object", "required": ["prompt_tokens", "completion_tokens", "total_tokens"], "properties": {
          "prompt_tokens": {"type": "integer", "minimum": 0}, "completion_tokens": {"type": "integer", "minimum": 0},
          "total_tokens": {"type": "integer", "minimum": 0},
          "prompt_tokens_details": {"type": "object", "properties": {"cached_tokens": {"type": "integer", "minimum": 0}}}}},
        "Timings": {"type": "object", "properties": {
          "prompt_n": {"type": "integer"}, "prompt_ms": {"type": "number"}, "prompt_per_second": {"type": "number"},
          "cached_n": {"type": "integer"}, "predicted_n": {"type": "integer"}, "predicted_ms": {"type": "number"},
          "predicted_per_second": {"type": "number"}, "queue_ms": {"type": "number"}},
          "description": "Milliseconds, and tokens per second. Extension."},
        "Completion": {"type": "object", "required": ["id", "object", "created", "model", "choices"], "properties": {
          "id": {"type": "string"}, "object": {"const": "text_completion"}, "created": {"type": "integer"},
          "model": {"type": "string"}, "system_fingerprint": {"type": "string"},
          "choices": {"type": "array", "items": {"type": "object", "required": ["text", "index", "logprobs", "finish_reason"],
            "properties": {"text": {"type": "string"}, "index": {"type": "integer", "minimum": 0},
              "finish_reason": {"enum": ["stop", "length", null]},
              "logprobs": {"anyOf": [{"type": "null"}, {"type": "object",
                "required": ["tokens", "token_logprobs", "top_logprobs", "text_offset"], "properties": {
                  "tokens": {"type": "array", "items": {"type": "string"}},
                  "token_logprobs": {"type": "array", "items": {"type": ["number", "null"]}},
                  "top_logprobs": {"type": ["array", "null"], "items": {"type": ["object", "null"],
                    "additionalProperties": {"type": "number"}}},
                  "text_offset": {"type": "array", "items": {"type": "integer"}}}}]}}}},
          "usage": {"$ref": "#/components/schemas/Usage"}, "timings": {"$ref": "#/components/schemas/Timings"}}},
        "TokenizeResponse": {"type": "object", "required": ["tokens", "count"], "properties": {
          "tokens": {"type": "array", "items": {"type": "integer"}}, "count": {"type": "integer"},
          "max_model_len": {"type": "integer"}, "pieces": {"type": "array", "items": {"type": "string"}}}},
        "DetokenizeResponse": {"type": "object", "required": ["content", "prompt"], "properties": {
          "content": {"type": "string"}, "prompt": {"type": "string", "description": "The same."}}}
        """#
}
