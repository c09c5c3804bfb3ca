import StellarInference
import Testing

@Suite("Scheduler")
struct SchedulerTests {
    private func simulation(
        maxBatch: Int = 4,
        prefillChunk: Int = 64,
        sharedChunk: Int? = nil,
        hasFixedCuts: Bool = false,
        blocks: Int = 64
    ) -> SchedulerSimulation {
        SchedulerSimulation(
            limits: .init(maxBatch: maxBatch, prefillChunk: prefillChunk, sharedChunk: sharedChunk, hasFixedCuts: hasFixedCuts),
            blocks: blocks
        )
    }

    /// A prompt that shares nothing with those of other seeds.
    private func prompt(_ count: Int, seed: Int = 0) -> [TokenID] {
        (0..<count).map { TokenID(1_000 * (seed + 1) + $0) }
    }

    private func run(_ simulation: inout SchedulerSimulation, steps: Int = 20_000) {
        for _ in 0..<steps where !simulation.unfinished.isEmpty { simulation.step() }
        #expect(simulation.unfinished.isEmpty)
        #expect(simulation.scheduler.usedBlocks == 0)
    }

    // MARK: Steps

    @Test("a prompt is cut at the budget, and only its last segment completes the sequence")
    func chunks() {
        var simulation = simulation()
        simulation.submit(.init(prompt: prompt(150), replyCount: 2))
        let segments = (0..<4).flatMap { _ in simulation.step() }
        #expect(segments.map(\.range) == [0..<64, 64..<128, 128..<150, 150..<151])
        #expect(segments.map(\.completesSequence) == [false, false, true, true])
        #expect(segments.map(\.logitRows) == [0, 0, 1, 1])
    }

    @Test("with fixed cuts a sequence is cut at the same places alone and among others", arguments: [1, 2, 3])
    func fixedCuts(others: Int) {
        var alone = simulation(hasFixedCuts: true, blocks: 1_000)
        alone.submit(.init(prompt: prompt(200), replyCount: 1))
        let expected = (0..<4).flatMap { _ in alone.step() }.map(\.range)

        var crowded = simulation(sharedChunk: 16, hasFixedCuts: true, blocks: 1_000)
        for other in 0..<others { crowded.submit(.init(prompt: prompt(30 + 40 * other, seed: other + 1), replyCount: 30)) }
        let id = crowded.submit(.init(prompt: prompt(200), replyCount: 1))
        let ranges = (0..<20).flatMap { _ in crowded.step() }.filter { $0.id == id }.map(\.range)
        #expect(ranges == expected)
    }

    @Test("running replies come first in a step, and the prompts beside them take a smaller share")
    func sharedSteps() {
        var simulation = simulation(sharedChunk: 32)
        let first = simulation.submit(.init(prompt: prompt(10), replyCount: 50))
        #expect(simulation.step().map(\.range) == [0..<10])
        let second = simulation.submit(.init(prompt: prompt(70, seed: 1), replyCount: 1))
        var plan = simulation.step()
        #expect(plan.map(\.id) == [first, second])
        #expect(plan.map(\.range) == [10..<11, 0..<32])
        plan = simulation.step()
        #expect(plan.map(\.range) == [11..<12, 32..<64])
    }

    @Test("one step takes at most one budget of prompt tokens, in order of arrival, and its rest goes to the next")
    func promptBudget() {
        var simulation = simulation()
        for seed in 0..<3 { simulation.submit(.init(prompt: prompt(40, seed: seed), replyCount: 1)) }
        #expect(simulation.step().map(\.range) == [0..<40, 0..<24])
        #expect(simulation.step().map(\.range) == [24..<40, 0..<40])
    }

    @Test("logits of all prompt positions are computed if they are wanted, within the limit of rows")
    func promptLogits() {
        var simulation = SchedulerSimulation(limits: .init(maxBatch: 2, prefillChunk: 64, maxOutputs: 12), blocks: 64)
        simulation.submit(.init(prompt: prompt(100), replyCount: 3))
        run(&simulation)
        simulation.submit(.init(prompt: prompt(100), replyCount: 3, wantsPromptLogits: true))
        simulation.submit(.init(prompt: prompt(50, seed: 1), replyCount: 3, wantsPromptLogits: true))
        run(&simulation)
        #expect(simulation.cachedTokens.values.allSatisfy { $0 == 0 })
    }

    // MARK: Guesses

    @Test("guessed tokens are checked in the step, and a wrong one costs nothing but its row")
    func drafts() {
        for rightness in [0, 1, 3] {
            var simulation = simulation()
            let job = SchedulerSimulation.Job(prompt: [1, 2, 3], replyCount: 90)
            let id = simulation.submit(job)
            var steps = 0
            while simulation.finished[id] == nil {
                simulation.step { tokens in
                    var guess: [TokenID] = []
                    for _ in 0..<rightness { guess.append(SchedulerSimulation.next(after: tokens + guess)) }
                    return guess + [77]
                }
                steps += 1
            }
            #expect(simulation.finished[id] == SchedulerSimulation.reply(to: job))
            if rightness == 0 { #expect(steps == 90) } else { #expect(steps < 90 / rightness) }
        }
    }

    // MARK: Memory

    @Test("a request waits for a place; one that was removed makes room")
    func admission() {
        var simulation = simulation(maxBatch: 2)
        for seed in 0..<3 { simulation.submit(.init(prompt: prompt(30, seed: seed), replyCount: 40)) }
        simulation.step()
        #expect((simulation.scheduler.runningCount, simulation.scheduler.waitingCount) == (2, 1))
        #expect(Array(simulation.scheduler.queue) == [3])
        simulation.cancel(1)
        simulation.step()
        #expect((simulation.scheduler.runningCount, simulation.scheduler.waitingCount) == (2, 0))
    }

    @Test("a sequence is admitted for what it needs now; the youngest makes room when memory ends, and goes on later")
    func preemption() {
        // Each needs 4 blocks in the end; there are 6.
        var simulation = simulation(blocks: 6)
        let jobs = (0..<2).map { SchedulerSimulation.Job(prompt: prompt(40, seed: $0), replyCount: 80) }
        for job in jobs { simulation.submit(job) }
        simulation.step()
        #expect(simulation.scheduler.runningCount == 2)
        run(&simulation)
        #expect(simulation.scheduler.counts.preemptions > 0)
        #expect(simulation.finished[1] == SchedulerSimulation.reply(to: jobs[0]))
        #expect(simulation.finished[2] == SchedulerSimulation.reply(to: jobs[1]))
        #expect(simulation.cachedTokens == [1: 0, 2: 0], "its own text found again is not a cached prompt")
        #expect(simulation.scheduler.counts.prefixHits == 0)
    }

    @Test("removing a waiting or unknown sequence frees nothing that others hold")
    func removeWaiting() {
        var simulation = simulation(maxBatch: 1)
        simulation.submit(.init(prompt: prompt(10), replyCount: 5))
        simulation.submit(.init(prompt: prompt(10, seed: 1), replyCount: 5))
        simulation.step()
        simulation.cancel(2)
        simulation.cancel(77)
        #expect((simulation.scheduler.runningCount, simulation.scheduler.waitingCount, simulation.scheduler.usedBlocks) == (1, 0, 1))
    }

    @Test("a paused sequence leaves its place to others and its memory if they need it, and ends the same")
    func pausing() {
        var simulation = simulation(maxBatch: 1, blocks: 6)
        let jobs = (0..<2).map { SchedulerSimulation.Job(prompt: prompt(60, seed: $0), replyCount: 70) }
        let first = simulation.submit(jobs[0])
        for _ in 0..<40 { simulation.step() }
        simulation.pause(first)
        #expect(simulation.step().isEmpty)
        let second = simulation.submit(jobs[1])
        for _ in 0..<200 where simulation.finished[second] == nil { simulation.step() }
        #expect(simulation.finished[second] == SchedulerSimulation.reply(to: jobs[1]))
        simulation.resume(first)
        run(&simulation)
        #expect(simulation.finished[first] == SchedulerSimulation.reply(to: jobs[0]))
    }

    // MARK: Prefixes

    @Test("a conversation's next turn finds the prompt and the reply of the one before")
    func turns() {
        var simulation = simulation()
        let job = SchedulerSimulation.Job(prompt: prompt(70), replyCount: 40)
        simulation.submit(job)
        run(&simulation)
        let conversation = job.prompt + SchedulerSimulation.reply(to: job)
        let next = simulation.submit(.init(prompt: conversation + prompt(20, seed: 1), replyCount: 3))
        run(&simulation)
        #expect(simulation.cachedTokens[next] == 96)  // Three full blocks of 109 processed tokens.
        #expect(simulation.scheduler.counts.prefixQueries == 70 + 130)
        #expect(simulation.scheduler.counts.prefixHits == 96)
    }

    @Test("at least one token is computed, even if all are known")
    func wholePrompt() {
        var simulation = simulation()
        for _ in 0..<2 {
            simulation.submit(.init(prompt: prompt(64), replyCount: 40))
            run(&simulation)
        }
        #expect(simulation.cachedTokens == [1: 0, 2: 32])
    }

    @Test("parallel choices of one prompt compute it once")
    func choices() {
        var simulation = simulation(maxBatch: 8, prefillChunk: 512)
        for _ in 0..<6 { simulation.submit(.init(prompt: prompt(300), replyCount: 10)) }
        run(&simulation)
        #expect(simulation.cachedTokens[1] == 0)
        #expect((2...6).allSatisfy { simulation.cachedTokens[$0] == 288 })
        #expect(simulation.computedTokens == 300 + 5 * 12 + 6 * 9)
    }

    @Test("prompts that begin differently share nothing, whatever follows")
    func otherPrefix() {
        var simulation = simulation()
        simulation.submit(.init(prompt: [1] + prompt(99), replyCount: 2))
        run(&simulation)
        simulation.submit(.init(prompt: [2] + prompt(99), replyCount: 2))
        simulation.submit(.init(prompt: prompt(99), replyCount: 2))
        run(&simulation)
        #expect(simulation.cachedTokens == [1: 0, 2: 0, 3: 0])
    }

    // MARK: Priorities

    @Test("a person's request takes the place of a background one, which goes on later")
    func interactiveFirst() {
        var simulation = simulation(maxBatch: 1)
        let background = simulation.submit(.init(prompt: prompt(40), replyCount: 30, priority: .background))
        for _ in 0..<5 { simulation.step() }
        let interactive = simulation.submit(.init(prompt: prompt(20, seed: 1), replyCount: 5))
        #expect(simulation.step().map(\.id) == [interactive])
        run(&simulation)
        #expect(simulation.finished[background]?.count == 30)
    }

    @Test("background requests are not left waiting for ever")
    func noStarvation() {
        var simulation = simulation(maxBatch: 1)
        let background = simulation.submit(.init(prompt: prompt(40), replyCount: 30, priority: .background))
        var others = 0
        while simulation.finished[background] == nil, others < 40 {
            simulation.submit(.init(prompt: prompt(10, seed: others + 1), replyCount: 3))
            others += 1
            for _ in 0..<3 { simulation.step() }
        }
        #expect(simulation.finished[background] != nil)
    }

    @Test("one-off background requests leave a live conversation in the cache")
    func liveConversation() {
        var simulation = simulation(blocks: 16)
        let conversation = prompt(300)
        simulation.submit(.init(prompt: conversation, replyCount: 5))
        run(&simulation)
        for seed in 1...20 {
            simulation.submit(.init(prompt: prompt(150, seed: seed), replyCount: 10, priority: .background))
            run(&simulation)
        }
        let next = simulation.submit(.init(prompt: conversation + [5], replyCount: 2))
        run(&simulation)
        #expect(simulation.cachedTokens[next] == 288)
    }

    @Test("a background request that needs the memory of a live conversation waits until it is not live any more")
    func waitingForMemory() throws {
        var simulation = simulation(blocks: 16)
        simulation.submit(.init(prompt: prompt(300), replyCount: 5))
        run(&simulation)
        let large = simulation.submit(.init(prompt: prompt(400, seed: 1), replyCount: 5, priority: .background))
        #expect(simulation.step().isEmpty)
        let wake = try #require(simulation.scheduler.nextWake)
        #expect(wake > simulation.now)
        let interactive = simulation.submit(.init(prompt: prompt(40, seed: 2), replyCount: 5))
        for _ in 0..<10 { simulation.step() }
        #expect(simulation.finished[interactive] != nil, "others pass")
        simulation.now = wake.advanced(by: .seconds(1))
        run(&simulation)
        #expect(simulation.finished[large]?.count == 5)
    }

    // MARK: Everything at once

    @Test("random traffic: every position holds its own text, everything ends as alone, no block is lost", arguments: 1...24)
    func randomTraffic(seed: Int) {
        var random = RandomSource(seed: UInt64(seed))
        func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
        let blocks = 12 + below(40)
        var simulation = SchedulerSimulation(
            limits: .init(
                maxBatch: 1 + below(6),
                prefillChunk: 16 + below(120),
                sharedChunk: 8 + below(60),
                hasFixedCuts: below(3) == 0,
                maxOutputs: 8 + below(20),
                maxDrafted: below(9),
                findsPrefixes: below(5) > 0
            ),
            blocks: blocks,
            liveWindow: .seconds(below(20))
        )
        let stems = (0..<4).map { stem in (0..<200).map { TokenID(($0 * 7 + stem) % 11) } }
        var jobs: [UInt64: SchedulerSimulation.Job] = [:]
        for _ in 0..<600 {
            if below(3) == 0, simulation.unfinished.count < 20 {
                let length = 1 + below(min(200, blocks * 32 - 60))
                let job = SchedulerSimulation.Job(
                    prompt: Array(stems[below(4)].prefix(below(length + 1))) + prompt(1 + below(30), seed: below(3)),
                    replyCount: 1 + below(50),
                    priority: below(4) == 0 ? .background : .interactive,
                    wantsPromptLogits: below(8) == 0
                )
                jobs[simulation.submit(job)] = job
            }
            let ids = simulation.unfinished
            if !ids.isEmpty, below(12) == 0 { simulation.cancel(ids[below(ids.count)]) }
            if !ids.isEmpty, below(6) == 0 { simulation.pause(ids[below(ids.count)]) }
            for id in simulation.pausedIDs where below(5) == 0 { simulation.resume(id) }
            let isRight = below(2) == 0
            simulation.step { tokens in isRight ? [SchedulerSimulation.next(after: tokens), 3, 1] : [4, 4] }
            simulation.now = simulation.now.advanced(by: .seconds(1))
        }
        for _ in 0..<30_000 where !simulation.unfinished.isEmpty {
            for id in simulation.pausedIDs { simulation.resume(id) }
            let plan = simulation.step()
            if plan.isEmpty {
                #expect(simulation.scheduler.nextWake != nil || simulation.unfinished.isEmpty, "nothing to do, nothing to wait for")
            }
            simulation.now = simulation.now.advanced(by: .seconds(1))
        }
        #expect(simulation.unfinished.isEmpty)
        #expect(simulation.scheduler.usedBlocks == 0)
        #expect(simulation.scheduler.runningCount + simulation.scheduler.waitingCount == 0)
        for (id, reply) in simulation.finished { #expect(reply == jobs[id].map(SchedulerSimulation.reply)) }
    }

    @Test("sequences of one priority begin in the order of their arrival")
    func order() {
        var simulation = simulation(maxBatch: 3, prefillChunk: 48, blocks: 20)
        for seed in 0..<30 { simulation.submit(.init(prompt: prompt(1 + seed * 37 % 150, seed: seed), replyCount: 1 + seed * 11 % 60)) }
        run(&simulation)
        #expect(simulation.started == Array(1...30))
    }
}
