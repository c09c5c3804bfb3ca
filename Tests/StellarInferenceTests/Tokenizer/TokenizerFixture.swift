import Foundation
import StellarInference
import StellarTestSupport
import Testing

/// Reference values made by Tests/reference/tokenizer_fixture.py.
enum TokenizerFixture {
    /// A text with its ids, and what these decode to.
    struct Case: Decodable {
        let text: String
        let ids: [TokenID]
        let decoded: String

        init(from decoder: any Decoder) throws {
            var values = try decoder.unkeyedContainer()
            text = try values.decode(String.self)
            ids = try values.decode([TokenID].self)
            decoded = values.isAtEnd ? text : try values.decode(String.self)
        }
    }

    /// A text with the lengths of its pieces in bytes.
    struct Pieces: Decodable {
        let text: String
        let smollm: [Int]
        let gpt2: [Int]

        init(from decoder: any Decoder) throws {
            var values = try decoder.unkeyedContainer()
            text = try values.decode(String.self)
            smollm = try values.decode([Int].self)
            gpt2 = try values.decode([Int].self)
        }
    }

    static func load<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/tokenizer/\(name)", withExtension: "json"))
        return try JSONDecoder().decode(type, from: Data(contentsOf: url))
    }

    static func modelVocabulary() throws -> TokenizerVocabulary {
        let path = try #require(TestModel.file)
        return try TokenizerVocabulary(GGUFFile(path: path).metadata)
    }
}

extension String {
    /// `==` of strings takes canonically equivalent texts for equal; these are compared.
    var utf8Bytes: [UInt8] { Array(utf8) }
}
