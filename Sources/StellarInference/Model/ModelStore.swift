import Foundation

/// The models of this process: sees to it that one file is in memory once, however many ask for it and however soon after each other.
actor ModelStore {
    static let shared = ModelStore()

    private struct Key: Hashable {
        let file: String
        let options: LanguageModel.LoadOptions
    }

    private struct WeakModel {
        weak var model: LanguageModel?
    }

    private var loads: [Key: Task<LanguageModel, any Error>] = [:]
    private var models: [Key: WeakModel] = [:]

    /// The model at `path`: the one in memory, the one that is being loaded, or a new one.
    func model(at path: String, options: LanguageModel.LoadOptions) async throws -> LanguageModel {
        let location = try ModelLocation(path: path)
        let file = URL(fileURLWithPath: location.path).standardizedFileURL.resolvingSymlinksInPath().path
        let key = Key(file: file, options: options)
        if let model = models[key]?.model { return model }
        if let load = loads[key] { return try await load.value }
        let load = Task { try await Self.load(location, options) }
        loads[key] = load
        defer { loads[key] = nil }
        let model = try await load.value
        models[key] = WeakModel(model: model)
        return model
    }

    /// Loads on a thread of its own: conversion takes seconds for a large model, too long for the cooperative pool.
    private static func load(_ location: ModelLocation, _ options: LanguageModel.LoadOptions) async throws -> LanguageModel {
        try await withCheckedThrowingContinuation { continuation in
            InferenceEngine.startThread(named: "stellar-loader") {
                continuation.resume(with: Result { try LanguageModel(location: location, options: options) })
            }
        }
    }
}
