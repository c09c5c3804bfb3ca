import StellarProtocol
import Testing

/// Decodes a chat completion request from JSON text.
func decodeRequest(_ json: String) throws(APIError) -> ChatCompletionRequest {
    try JSONCoding.decode(ChatCompletionRequest.self, from: Array(json.utf8))
}

/// JSON text of a value, through the one encoder.
func encodeText(_ value: some Encodable) throws -> String {
    String(decoding: try JSONCoding.encode(value), as: UTF8.self)
}

/// The error of decoding and validating `json`; `nil` if it is a good request.
func requestError(_ json: String) -> APIError? {
    do throws(APIError) {
        _ = try decodeRequest(json).validate()
        return nil
    } catch {
        return error
    }
}

/// A request with one user message and the given further fields.
func request(with fields: String) -> String {
    #"{"messages":[{"role":"user","content":"Hi"}],\#(fields)}"#
}
