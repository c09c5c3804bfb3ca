/// An error that a client of the API sees: an HTTP status and the error object of the OpenAI API.
///
/// Source of the shape: https://platform.openai.com/docs/guides/error-codes. Messages never repeat prompt text or keys.
public struct APIError: Error, Sendable, Equatable {
    /// HTTP status.
    public var status: Int
    /// What is wrong and what to do.
    public var message: String
    /// Family of the error: `invalid_request_error`, `server_error`, …
    public var type: String
    /// The field at fault, such as `messages[0].content`.
    public var param: String?
    /// A word for programs, such as `context_length_exceeded`.
    public var code: String?
    /// Seconds after which a retry makes sense: the value of `Retry-After`.
    public var retryAfter: Int?

    public init(
        status: Int,
        message: String,
        type: String = "invalid_request_error",
        param: String? = nil,
        code: String? = nil,
        retryAfter: Int? = nil
    ) {
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
        self.retryAfter = retryAfter
    }

    /// The body that carries this error.
    public var response: ErrorResponse {
        ErrorResponse(error: ErrorObject(message: message, type: type, param: param, code: code))
    }
}

extension APIError {
    /// 400: the request can't succeed as it is.
    public static func invalidRequest(_ message: String, param: String? = nil, code: String? = nil) -> APIError {
        APIError(status: 400, message: message, param: param, code: code)
    }

    /// 400: a feature of the API that this server does not have.
    public static func unsupported(_ message: String, param: String) -> APIError {
        invalidRequest(message, param: param, code: "unsupported_parameter")
    }

    /// 401, together with a `WWW-Authenticate` header.
    public static func invalidAPIKey(_ message: String) -> APIError {
        APIError(status: 401, message: message, code: "invalid_api_key")
    }

    /// 404: no model of that name is loaded.
    public static func modelNotFound(_ name: String) -> APIError {
        APIError(
            status: 404,
            message: "The model `\(name.prefix(256))` does not exist. GET /v1/models lists the models that do.",
            param: "model",
            code: "model_not_found"
        )
    }

    /// 404: nothing is served at that path.
    public static func notFound(_ message: String) -> APIError {
        APIError(status: 404, message: message, code: "not_found")
    }

    /// 405: the path exists, but not for that method.
    public static func methodNotAllowed(_ message: String) -> APIError {
        APIError(status: 405, message: message, code: "method_not_allowed")
    }

    /// 413: the body is longer than the server takes.
    public static func bodyTooLarge(limit: Int) -> APIError {
        APIError(status: 413, message: "The request body is larger than \(limit) bytes.", code: "request_too_large")
    }

    /// 500: our fault.
    public static func internalError(_ message: String = "The server had an error while processing the request.") -> APIError {
        APIError(status: 500, message: message, type: "server_error", code: "internal_error")
    }

    /// 504: the reply took longer than the server or the request allows. Trying again would take as long: clients are told not to.
    public static func timedOut() -> APIError {
        APIError(
            status: 504,
            message: "The reply took longer than allowed (REQUEST_TIMEOUT of the server, or 'timeout' of the request).",
            type: "server_error",
            code: "request_timeout"
        )
    }

    /// 503: try again in `retryAfter` seconds.
    public static func unavailable(_ message: String, code: String, retryAfter: Int?) -> APIError {
        APIError(status: 503, message: message, type: "server_error", code: code, retryAfter: retryAfter)
    }
}

/// The body of an error answer: `{"error":{…}}`.
public struct ErrorResponse: Codable, Sendable, Equatable {
    public var error: ErrorObject

    public init(error: ErrorObject) {
        self.error = error
    }
}

/// The error object of the OpenAI API; `param` and `code` are present, as `null` where there is none.
public struct ErrorObject: Codable, Sendable, Equatable {
    public var message: String
    public var type: String
    public var param: String?
    public var code: String?

    public init(message: String, type: String, param: String? = nil, code: String? = nil) {
        self.message = message
        self.type = type
        self.param = param
        self.code = code
    }

    enum CodingKeys: String, CodingKey {
        case message, type, param, code
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(message, forKey: .message)
        try container.encode(type, forKey: .type)
        try container.encode(param, forKey: .param)
        try container.encode(code, forKey: .code)
    }
}
