import HTTPTypes
import Hummingbird
import Logging

/// Gives every request an id, the client's own if it is fit to be logged, and returns it as `x-request-id`.
struct RequestIDMiddleware: RouterMiddleware {
    typealias Context = ServerRequestContext

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        var context = context
        context.requestID = request.headers[.requestID].flatMap(Self.accepted) ?? Self.makeID()
        context.logger[metadataKey: "request_id"] = "\(context.requestID)"
        context.logger[metadataKey: "hb.request.id"] = nil
        var response = try await next(request, context)
        response.headers[.requestID] = context.requestID
        return response
    }

    /// Up to 128 letters, digits, dots, dashes and underscores; anything else could forge log lines.
    static func accepted(_ id: String) -> String? {
        let isFit = (1...128).contains(id.utf8.count) && id.utf8.allSatisfy(isAllowed)
        return isFit ? id : nil
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    static func makeID() -> String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return "req-" + String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension HTTPField.Name {
    static let requestID = HTTPField.Name(known: "x-request-id")
    static let shouldRetry = HTTPField.Name(known: "x-should-retry")
    static let accelBuffering = HTTPField.Name(known: "x-accel-buffering")
    static let referrerPolicy = HTTPField.Name(known: "referrer-policy")
    static let forwardedHost = HTTPField.Name(known: "x-forwarded-host")

    /// A name that was valid when the program was written.
    private init(known name: String) {
        self = HTTPField.Name(name) ?? .cookie
    }
}
