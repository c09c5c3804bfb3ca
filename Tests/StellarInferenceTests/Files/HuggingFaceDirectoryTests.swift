import Foundation
import StellarInference
import Testing

@Suite("Hugging Face directories")
struct HuggingFaceDirectoryTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write("config.json", Array(#"{"model_type":"llama","eos_token_id":2}"#.utf8))
    }

    private func write(_ name: String, _ text: String) throws { try directory.write(name, Array(text.utf8)) }

    private func shard(_ names: String...) -> [UInt8] {
        var writer = SafetensorsWriter()
        for name in names { writer.add(name, [2], floats: [1, 2]) }
        return writer.bytes()
    }

    private func open() throws -> HuggingFaceDirectory { try HuggingFaceDirectory(path: directory.path) }

    // MARK: Weights

    @Test("one file of weights is read", arguments: ["model.safetensors", "weights.safetensors"])
    func oneFile(name: String) throws {
        try directory.write(name, shard("a", "b"))
        let model = try open()
        #expect(model.tensorNames == ["a", "b"])
        #expect(model.tensor("b")?.shape == [2])
        #expect(model.tensor("c") == nil)
        #expect(try HuggingFaceDirectory(path: directory.path + "/").description == directory.path)
    }

    @Test("several files are read by their index")
    func shards() throws {
        try directory.write("model-1.safetensors", shard("a", "b"))
        try directory.write("model-2.safetensors", shard("c"))
        try write("model.safetensors.index.json", #"{"metadata":{},"weight_map":{"c":"model-2.safetensors","a":"model-1.safetensors"}}"#)
        let model = try open()
        #expect(model.tensorNames == ["c", "a"], "what the index does not list is not there")
        #expect(model.tensor("c")?.byteCount == 8)
    }

    @Test("an index that is wrong is refused, saying how")
    func wrongIndex() throws {
        try directory.write("model-1.safetensors", shard("a"))
        let cases = [
            ("{}", "weight_map"), (#"{"weight_map":{"a":1}}"#, "not given a file"),
            (#"{"weight_map":{"a":"../model-1.safetensors"}}"#, "not given a file"),
            (#"{"weight_map":{"a":"/etc/passwd"}}"#, "not given a file"), (#"{"weight_map":{"b":"model-1.safetensors"}}"#, "does not hold"),
            (#"{"weight_map":{"a":"model-2.safetensors"}}"#, "Download it, too"), ("[", "not valid JSON"),
        ]
        for (index, text) in cases {
            try write("model.safetensors.index.json", index)
            expectError(.invalidModelFile, containing: text) { try open() }
        }
    }

    @Test("weights that are missing or in another format are named")
    func noWeights() throws {
        expectError(.modelNotFound, containing: "no model.safetensors") { try open() }
        try write("pytorch_model.bin", "x")
        expectError(.unsupportedModel, containing: "PyTorch") { try open() }
        try directory.write("x.safetensors", shard("a"))
        try directory.write("y.safetensors", shard("b"))
        expectError(.invalidModelFile, containing: "index.json") { try open() }
    }

    @Test("a configuration that is missing or no object is refused")
    func wrongConfiguration() throws {
        try directory.write("model.safetensors", shard("a"))
        try write("config.json", "[]")
        expectError(.invalidModelFile, containing: "no JSON object") { try open() }
        try FileManager.default.removeItem(atPath: directory.file("config.json"))
        expectError(.modelNotFound, containing: "no config.json") { try open() }
    }

    @Test("a quantised or unknown model says what it is")
    func unsupported() throws {
        try directory.write("model.safetensors", shard("a"))
        for (configuration, text) in [
            (#"{"model_type":"llama","quantization_config":{"quant_method":"gptq"}}"#, "gptq"), (#"{"model_type":"rwkv9"}"#, "rwkv9"),
            (#"{}"#, "model_type"),
        ] {
            try write("config.json", configuration)
            let error = #expect(throws: InferenceError.self) { _ = try ModelBlueprint(.huggingFace(open())) }
            #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
        }
    }

    // MARK: Text

    @Test("the tokens that end a reply come from both configurations, one or several")
    func endTokens() throws {
        try directory.write("model.safetensors", shard("a"))
        #expect(try open().endTokens() == [2])
        try write("generation_config.json", #"{"eos_token_id":[5,2,7]}"#)
        #expect(try open().endTokens() == [5, 2, 7])
        try write("generation_config.json", #"{"eos_token_id":"x"}"#)
        #expect(try open().endTokens() == [2])
    }

    @Test("chat templates come from their own files before the tokenizer's configuration")
    func chatTemplates() throws {
        try directory.write("model.safetensors", shard("a"))
        #expect(try open().chatTemplates().standard == nil)
        try write("tokenizer_config.json", #"{"chat_template":"one"}"#)
        #expect(try open().chatTemplates().standard == "one")
        try write(
            "tokenizer_config.json",
            #"{"chat_template":[{"name":"default","template":"two"},{"name":"tool_use","template":"tools"},{"name":"rag","template":"r"}]}"#
        )
        #expect(try open().chatTemplates().standard == "two")
        #expect(try open().chatTemplates().toolUse == "tools")
        try write("chat_template.jinja", "three")
        try FileManager.default.createDirectory(atPath: directory.file("chat_templates"), withIntermediateDirectories: false)
        try write("chat_templates/tool_use.jinja", "better tools")
        let sources = try open().chatTemplates()
        #expect(sources.standard == "three")
        #expect(sources.toolUse == "better tools")
        #expect(sources.named.map(\.name) == ["default", "tool_use", "rag"])
    }

    @Test("special tokens are texts or objects with a content, and the tokenizer's configuration comes first")
    func specialTokens() throws {
        try directory.write("model.safetensors", shard("a"))
        #expect(try HuggingFaceTokenizerFiles(open()) == nil)
        try write("tokenizer.json", "{}")
        try write("special_tokens_map.json", #"{"bos_token":"<b>","eos_token":{"content":"<e>"}}"#)
        try write("tokenizer_config.json", #"{"eos_token":{"content":"<end>","lstrip":false},"add_bos_token":true,"unk_token":null}"#)
        let files = try #require(try HuggingFaceTokenizerFiles(open()))
        #expect(files.specialToken("bos_token") == "<b>")
        #expect(files.specialToken("eos_token") == "<end>")
        #expect(files.specialToken("unk_token") == nil)
        #expect(files.flag("add_bos_token") == true)
        #expect(files.flag("add_eos_token") == nil)
        #expect(files.endTokens == [2])
    }

    // MARK: Damage

    @Test("damaged configurations and indices give an error or a model, never a crash", arguments: 0..<4)
    func damaged(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        try directory.write("model-1.safetensors", shard("a", "b"))
        let files = [
            (
                "config.json",
                #"{"model_type":"llama","hidden_size":4,"num_hidden_layers":1,"eos_token_id":[1,2],"rope_scaling":{"type":"yarn"}}"#
            ),
            (
                "model.safetensors.index.json",
                #"{"metadata":{"total_size":16},"weight_map":{"a":"model-1.safetensors","b":"model-1.safetensors"}}"#
            ),
            ("generation_config.json", #"{"temperature":0.6,"top_k":20,"top_p":0.9,"eos_token_id":[1,2],"do_sample":true}"#),
            ("tokenizer_config.json", #"{"chat_template":[{"name":"default","template":"{{ x }}"}],"bos_token":{"content":"<s>"}}"#),
        ]
        for _ in 0..<100 {
            for (name, text) in files {
                var bytes = Array(text.utf8)
                for _ in 0..<Int.random(in: 0...3, using: &generator) {
                    let place = Int.random(in: 0..<bytes.count, using: &generator)
                    if Bool.random(using: &generator) {
                        bytes[place] = UInt8.random(in: 0...255, using: &generator)
                    } else {
                        bytes.remove(at: place)
                    }
                }
                try directory.write(name, bytes)
            }
            do throws(InferenceError) {
                let model = try HuggingFaceDirectory(path: directory.path)
                _ = try model.chatTemplates()
                _ = try model.endTokens()
                _ = try ModelBlueprint(.huggingFace(model))
                _ = try ModelText(.huggingFace(model))
            } catch {
                #expect([.invalidModelFile, .unsupportedModel, .invalidTemplate, .invalidRequest].contains(error.code), "\(error)")
            }
        }
    }
}
