import CStellarKernels

/// Keys and values of past tokens, in blocks of ``blockTokens`` tokens that any sequence can hold.
///
/// Layout of one block: `[layer][KV head]`, and there the keys transposed, `[head size][blockTokens]`, then the values,
/// `[blockTokens][head size]`, each with the scales of its tokens behind if elements are bytes. Transposed keys let a kernel score many
/// tokens at once without a horizontal sum.
///
/// Thread contract: different (layer, head, block) may be written at the same time; ``BlockAllocator`` sees to it that no two sequences
/// write one block.
package final class KVCache: @unchecked Sendable {
    // @unchecked: raw memory; see the thread contract.

    /// Tokens in a block: two AVX-512 vectors of scores.
    package static let blockTokens = 32

    /// Form of the stored elements.
    package enum Element: Sendable {
        case f32
        case f16
        /// Bytes, with one scale for a token's key and one for its value in each head.
        case q8

        var kernelType: stellar_type {
            switch self {
            case .f32: STELLAR_TYPE_F32
            case .f16: STELLAR_TYPE_F16
            case .q8: STELLAR_TYPE_Q8_0
            }
        }

        /// Bytes of the keys, or of the values, of one head in a block.
        func headBytes(headSize: Int) -> Int {
            stellar_kv_block_bytes(kernelType, headSize, KVCache.blockTokens)
        }
    }

    package let element: Element
    package let headSize: Int
    package let blockCount: Int
    private let headBytes: Int
    private let layerBytes: Int
    private let blockBytes: Int
    private let memory: AlignedBuffer

    /// - Throws: ``InferenceError`` `outOfMemory`.
    package init(layers: Int, keyValueHeads: Int, headSize: Int, element: Element, blockCount: Int) throws(InferenceError) {
        self.element = element
        self.headSize = headSize
        self.blockCount = blockCount
        headBytes = element.headBytes(headSize: headSize)
        layerBytes = 2 * headBytes * keyValueHeads
        blockBytes = layerBytes * layers
        let total = blockBytes.multipliedReportingOverflow(by: blockCount)
        guard !total.overflow else {
            throw InferenceError(.outOfMemory, "A KV cache of \(blockCount) blocks can't be addressed. Lower CONTEXT_LENGTH or MAX_BATCH.")
        }
        memory = try AlignedBuffer(byteCount: total.partialValue, purpose: "the KV cache")
    }

    /// Bytes that one block takes for a model of this shape.
    package static func blockBytes(layers: Int, keyValueHeads: Int, headSize: Int, element: Element) -> Int {
        2 * element.headBytes(headSize: headSize) * keyValueHeads * layers
    }

    /// `[head size][blockTokens]`.
    func keys(layer: Int, head: Int, block: Int32) -> UnsafeMutableRawPointer {
        memory.base + (Int(block) * blockBytes + layer * layerBytes + 2 * head * headBytes)
    }

    /// `[blockTokens][head size]`.
    func values(layer: Int, head: Int, block: Int32) -> UnsafeMutableRawPointer {
        keys(layer: layer, head: head, block: block) + headBytes
    }

    /// Writes the key and value (`[head size]` each) of one token.
    func store(
        key: UnsafePointer<Float>,
        value: UnsafePointer<Float>,
        layer: Int,
        head: Int,
        block: Int32,
        slot: Int
    ) {
        Kernels.table.kv_store(
            element.kernelType,
            key,
            value,
            keys(layer: layer, head: head, block: block),
            values(layer: layer, head: head, block: block),
            slot,
            headSize,
            Self.blockTokens
        )
    }
}
