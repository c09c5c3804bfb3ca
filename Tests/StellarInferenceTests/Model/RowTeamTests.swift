import CStellarKernels
import StellarInference
import StellarTestSupport
import Testing

@Suite("Rows that one worker takes alone")
struct RowTeamTests {
    @Test("runs follow each other, are about equal, not too long, and as many for each worker", arguments: [1, 2, 3, 16])
    func runs(workers: Int) {
        for rows in workers * 24..<1_200 {
            for longest in [64, 128] {
                let runs = RowTeam.runs(rows: rows, longest: longest, workers: workers)
                #expect(runs.first?.lowerBound == 0 && runs.last?.upperBound == rows)
                #expect(zip(runs, runs.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
                let counts = runs.map(\.count)
                #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1 && counts.allSatisfy { (1...longest).contains($0) })
                #expect(runs.count % workers == 0)
            }
        }
    }

    @Test("rows that count as few fit in every form that kernels read, odd ones too")
    func fewRows() {
        let elements = Transformer.repeatedElements
        for width in 1...elements + 1 {
            let most = (0...elements / width + 1).last { FewRows.fit($0, width: width, in: elements) } ?? -1
            #expect(most >= (width <= elements ? 1 : 0) && most * width <= elements)
            for form in [STELLAR_INPUT_F32, STELLAR_INPUT_BF16] {
                #expect(most * stellar_input_row_bytes(form, width) <= stellar_input_row_bytes(form, elements))
            }
        }
    }

    @Test("many rows with logits among many without have the same as alone", .enabled(if: TestModel.isAvailable))
    func outputs() async throws {
        let model = try await LanguageModel.load(path: TestModel.path)
        let tokens = (0..<300).map { TokenID(2_000 + $0 * 37 % 20_000) }
        let pass = try ForwardPass(model, threads: 2, usesBLAS: false, fullPrecisionCache: false)
        let alone = try [200, 299, 300].map { try pass.logits(after: Array(tokens.prefix($0)), chunk: 30) }
        let (first, second) = (try pass.blocks(for: 300), try pass.blocks(for: 200))
        let together = pass.transformer.forward(
            Batch(segments: [
                Batch.Segment(tokens: tokens, start: 0, blocks: first, logitRows: 2),
                Batch.Segment(tokens: Array(tokens.prefix(200)), start: 0, blocks: second, logitRows: 1),
            ])
        )
        #expect(Array(together) == alone[1] + alone[2] + alone[0])
    }
}
