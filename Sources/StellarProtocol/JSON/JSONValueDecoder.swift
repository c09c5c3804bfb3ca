/// Decodes `Codable` types from a ``JSONValue``; its errors carry the whole path of the field.
struct JSONValueDecoder: Decoder {
    let value: JSONValue
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ value: JSONValue, codingPath: [any CodingKey] = []) {
        self.value = value
        self.codingPath = codingPath
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let members) = value else { throw mismatch([String: JSONValue].self) }
        return KeyedDecodingContainer(Keyed<Key>(members, codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let values) = value else { throw mismatch([JSONValue].self) }
        return Unkeyed(values, codingPath: codingPath)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        self
    }

    private func mismatch(_ type: Any.Type) -> DecodingError {
        let context = DecodingError.Context(codingPath: codingPath, debugDescription: "wrong type")
        return value == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }
}

extension JSONValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool {
        value == .null
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let decoded: Any? =
            switch type {
            case is JSONValue.Type: value
            case is String.Type: value.string
            case is Bool.Type: bool
            case is Double.Type: double
            case is Float.Type: double.map { Float($0) }
            case let integer as any FixedWidthInteger.Type: try self.integer(integer)
            default: try Value(from: self)
            }
        guard let result = decoded as? Value else { throw mismatch(type) }
        return result
    }

    private var bool: Bool? {
        guard case .bool(let value) = value else { return nil }
        return value
    }

    private var double: Double? {
        switch value {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// An integer, also written as `5.0` or `5e0`. From 2^53 on a double does not tell neighbouring integers apart, so there it must be
    /// written in digits alone.
    private func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value? {
        let result: Value? =
            switch value {
            case .integer(let value): Value(exactly: value)
            case .number(let value): abs(value) < 0x1p53 ? Value(exactly: value) : nil
            default: throw mismatch(type)
            }
        guard let result else {
            let reason = "it must be an integer of \(type.bitWidth) bits"
            throw DecodingError.dataCorrupted(.init(codingPath: codingPath, debugDescription: reason))
        }
        return result
    }
}

extension JSONValueDecoder {
    /// The members of an object; of a repeated key the last one counts, as in most JSON libraries.
    private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let codingPath: [any CodingKey]
        private let members: [JSONValue.Member]
        private let indices: [String: Int]

        init(_ members: [JSONValue.Member], codingPath: [any CodingKey]) {
            self.members = members
            self.codingPath = codingPath
            indices = Dictionary(members.indices.map { (members[$0].key, $0) }, uniquingKeysWith: { $1 })
        }

        var allKeys: [Key] {
            members.indices.lazy.filter { indices[members[$0].key] == $0 }.compactMap { Key(stringValue: members[$0].key) }
        }

        func contains(_ key: Key) -> Bool {
            indices[key.stringValue] != nil
        }

        func decodeNil(forKey key: Key) throws -> Bool {
            try decoder(key).decodeNil()
        }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            try decoder(key).decode(type)
        }

        func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
            try decoder(key).container(keyedBy: type)
        }

        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            try decoder(key).unkeyedContainer()
        }

        func superDecoder() throws -> any Decoder {
            JSONValueDecoder(indices["super"].map { members[$0].value } ?? .null, codingPath: codingPath + [AnyCodingKey("super")])
        }

        func superDecoder(forKey key: Key) throws -> any Decoder {
            try decoder(key)
        }

        private func decoder(_ key: Key) throws -> JSONValueDecoder {
            guard let index = indices[key.stringValue] else {
                throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "missing"))
            }
            return JSONValueDecoder(members[index].value, codingPath: codingPath + [key])
        }
    }

    private struct Unkeyed: UnkeyedDecodingContainer {
        let codingPath: [any CodingKey]
        private(set) var currentIndex = 0
        private let values: [JSONValue]

        init(_ values: [JSONValue], codingPath: [any CodingKey]) {
            self.values = values
            self.codingPath = codingPath
        }

        var count: Int? { values.count }
        var isAtEnd: Bool { currentIndex >= values.count }

        mutating func decodeNil() throws -> Bool {
            guard try decoder().decodeNil() else { return false }
            currentIndex += 1
            return true
        }

        mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try next { try $0.decode(type) }
        }

        mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
            try next { try $0.container(keyedBy: type) }
        }

        mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
            try next { try $0.unkeyedContainer() }
        }

        mutating func superDecoder() throws -> any Decoder {
            try next { $0 }
        }

        private mutating func next<Value>(_ read: (JSONValueDecoder) throws -> Value) throws -> Value {
            let value = try read(decoder())
            currentIndex += 1
            return value
        }

        private func decoder() throws -> JSONValueDecoder {
            let path = codingPath + [AnyCodingKey(intValue: currentIndex)]
            guard !isAtEnd else {
                throw DecodingError.valueNotFound(JSONValue.self, .init(codingPath: path, debugDescription: "the array has ended"))
            }
            return JSONValueDecoder(values[currentIndex], codingPath: path)
        }
    }
}
