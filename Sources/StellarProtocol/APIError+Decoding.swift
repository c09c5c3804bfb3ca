extension APIError {
    /// The error that a client gets for a body that does not decode: 400, naming the field by its path.
    public static func from(_ error: DecodingError) -> APIError {
        switch error {
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            return wrongType(type, context)
        case .keyNotFound(let key, let context):
            let path = fieldPath(context.codingPath + [key])
            return invalidRequest("Missing required parameter: '\(path)'.", param: path)
        case .dataCorrupted(let context):
            return corrupted(context)
        @unknown default:
            return invalidRequest("The request body could not be read.")
        }
    }

    /// A coding path the way the API writes it: `messages[0].content`. Keys come from clients, so long ones are cut.
    static func fieldPath(_ path: [any CodingKey]) -> String {
        path.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + key.stringValue.prefix(64)
            }
        }
    }

    private static func wrongType(_ type: Any.Type, _ context: DecodingError.Context) -> APIError {
        let path = fieldPath(context.codingPath)
        guard !path.isEmpty else {
            return invalidRequest("The request body must be a JSON object.")
        }
        return invalidRequest("Invalid type for '\(path)': expected \(jsonName(of: type)).", param: path, code: "invalid_type")
    }

    private static func corrupted(_ context: DecodingError.Context) -> APIError {
        let path = fieldPath(context.codingPath)
        guard path.isEmpty else {
            return invalidRequest("Invalid value for '\(path)': \(context.debugDescription).", param: path, code: "invalid_value")
        }
        return invalidRequest("The request body is not valid JSON.")
    }

    private static func jsonName(of type: Any.Type) -> String {
        switch type {
        case is any BinaryInteger.Type: "an integer"
        case is any BinaryFloatingPoint.Type: "a number"
        case is String.Type: "a string"
        case is Bool.Type: "a boolean"
        case is [Any].Type: "an array"
        case is any WireDescribed.Type: (type as? any WireDescribed.Type)?.wireDescription ?? "another type"
        default: String(describing: type).hasPrefix("Array") ? "an array" : "an object"
        }
    }
}

/// A type that decodes from several JSON types and says which, for error messages.
protocol WireDescribed {
    /// For example "a string or an array of strings".
    static var wireDescription: String { get }
}
