extension GGUFContent {
    init(_ directory: HuggingFaceDirectory) throws(InferenceError) {
        throw InferenceError(.unsupportedModel, "\(directory.description) is a Hugging Face directory, which can't be converted yet.")
    }
}
