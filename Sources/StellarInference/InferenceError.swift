/// An error of the inference library: what kind it is, what is wrong, and what to do about it.
///
/// `code` is for programs, `message` for people. Messages name the file, tensor, variable or parameter at fault and the remedy; they
/// never hold prompt text or keys.
public struct InferenceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of an error. A struct over a private enum, so that kinds can be added without breaking a `switch`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case modelNotFound
            case invalidModelFile
            case unsupportedModel
            case invalidConfiguration
            case invalidRequest
            case invalidTemplate
            case templateRejected
            case contextLengthExceeded
            case queueFull
            case engineStopped
            case deadlineExceeded
            case outOfMemory
        }

        private let kind: Kind

        public var description: String { kind.rawValue }

        /// No model at the path that was given.
        public static let modelNotFound = Code(kind: .modelNotFound)
        /// The file is truncated, damaged or contradicts its format.
        public static let invalidModelFile = Code(kind: .invalidModelFile)
        /// A well-formed file of an architecture, tensor type or tokenizer that this version does not run.
        public static let unsupportedModel = Code(kind: .unsupportedModel)
        /// A setting of the engine or the model is out of range.
        public static let invalidConfiguration = Code(kind: .invalidConfiguration)
        /// A parameter of one generation request is out of range.
        public static let invalidRequest = Code(kind: .invalidRequest)
        /// The chat template can't be parsed, or uses something that does not exist.
        public static let invalidTemplate = Code(kind: .invalidTemplate)
        /// The chat template refused the conversation (`raise_exception`, or an error while rendering).
        public static let templateRejected = Code(kind: .templateRejected)
        /// Prompt and requested tokens do not fit the context.
        public static let contextLengthExceeded = Code(kind: .contextLengthExceeded)
        /// The bounded request queue is full: try again later.
        public static let queueFull = Code(kind: .queueFull)
        /// The engine is shutting down or has stopped.
        public static let engineStopped = Code(kind: .engineStopped)
        /// The request's deadline passed before its reply had ended.
        public static let deadlineExceeded = Code(kind: .deadlineExceeded)
        /// Memory for weights or cache could not be had.
        public static let outOfMemory = Code(kind: .outOfMemory)
    }

    public var code: Code
    /// What is wrong and what to do, as one or two sentences.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
