import CStellarKernels
import Foundation

extension Transformer {
    /// The feed-forward network of the team's rows; leaves what it adds to the residual stream in `update`.
    func feedForward(_ network: ModelWeights.Network, norm: WeightVector?, _ team: RowTeam) {
        let input = normalize(team, weight: norm)
        let (projected, activated) = (team.scratch.projected.base, team.activated(network.size))
        multiply(network.gateUp, from: input, to: projected, team)
        wait(for: team)
        for row in team.own(network.size) {
            activate(gate: projected + row * 2 * network.size, into: activated + row * network.size, size: network.size)
        }
        wait(for: team, rowsOf: network.size)
        multiply(network.down, from: activated, to: team.scratch.update.base, team)
        wait(for: team)
    }

    /// f(gate) · up, where `up` lies behind `gate`.
    private func activate(gate: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, size: Int) {
        switch configuration.activation {
        case .silu: Kernels.table.silu_multiply(gate, gate + size, target, size)
        case .geluTanh: Kernels.table.gelu_multiply(gate, gate + size, target, size)
        }
    }
}

// MARK: - Mixture of experts

extension Transformer {
    /// A mixture of experts for all rows; leaves what it adds to the residual stream in `update`.
    ///
    /// Each row visits some experts; the rows that visit the same one are gathered and multiplied together. The kernels compute each row
    /// by itself and a row's visits are summed in the order of its own choice, so that the other rows make no difference.
    ///
    /// - Parameter team: All workers with all their rows: then an expert's weights are read once for all rows that visit it.
    func experts(_ experts: ModelWeights.Experts, norm: WeightVector?, _ team: RowTeam) {
        guard let memory = scratch.experts, let shape = configuration.experts else { return }
        let worker = team.worker
        let input = normalize(team, weight: norm)
        route(team.own, experts, shape, input: input, memory)
        pool.barrier()
        let visits = memory.workers[worker]
        visits.group(memory.choices.base, rows: team.rows.count, visits: shape.visits)
        for (index, network) in experts.networks.enumerated() where !visits.slots(of: index).isEmpty {
            multiply(network.gateUp, gathering: visits.slots(of: index), from: input, memory, team)
        }
        pool.barrier()
        let share = pool.share(of: team.rows.count * shape.visits, worker: worker)
        for (index, network) in experts.networks.enumerated() {
            for slot in visits.slots(of: index).clamped(to: share) {
                activate(
                    gate: memory.projected.base + slot * 2 * memory.innerSize,
                    into: memory.activated.base + slot * memory.innerSize,
                    size: network.size
                )
            }
        }
        pool.barrier()
        for (index, network) in experts.networks.enumerated() where !visits.slots(of: index).isEmpty {
            let slots = visits.slots(of: index)
            network.down.multiply(
                share: team.share(of: network.down),
                x: memory.activated.base + slots.lowerBound * memory.innerSize,
                ldx: memory.innerSize,
                rows: slots.count,
                y: memory.results.base + slots.lowerBound * configuration.hiddenSize,
                ldy: configuration.hiddenSize
            )
        }
        pool.barrier()
        combine(team.own, visits: shape.visits, into: team.scratch.update.base, memory, visits)
        wait(for: team)
    }

    /// Chooses the experts of each row and their weights.
    private func route(
        _ rows: Range<Int>,
        _ experts: ModelWeights.Experts,
        _ shape: ExpertConfiguration,
        input: UnsafePointer<Float>,
        _ memory: TransformerScratch.Experts
    ) {
        guard !rows.isEmpty else { return }
        let size = configuration.hiddenSize
        let first = rows.lowerBound
        let scores = memory.scores.base + first * shape.count
        experts.router.multiply(share: 0..<shape.count, x: input + first * size, ldx: size, rows: rows.count, y: scores, ldy: shape.count)
        for row in rows {
            let choices = memory.choices.base + row * shape.visits
            let weights = memory.weights.base + row * shape.visits
            choose(shape, scores: memory.scores.base + row * shape.count, choices: choices, weights: weights)
            guard shape.sharedCount > 0 else { continue }
            var weight: Float = 1
            if let gate = experts.sharedGate {
                var score: Float = 0
                gate.multiply(share: 0..<1, x: input + row * size, ldx: size, rows: 1, y: &score, ldy: 1)
                weight = 1 / (1 + exp(-score))
            }
            for shared in 0..<shape.sharedCount {
                choices[shape.usedCount + shared] = Int32(shape.count + shared)
                weights[shape.usedCount + shared] = weight
            }
        }
    }

    /// The experts with the greatest probabilities, the lower index first among equals.
    private func choose(
        _ shape: ExpertConfiguration,
        scores: UnsafeMutablePointer<Float>,
        choices: UnsafeMutablePointer<Int32>,
        weights: UnsafeMutablePointer<Float>
    ) {
        Kernels.table.softmax(scores, shape.count)
        var sum: Float = 0
        for choice in 0..<shape.usedCount {
            let best = Kernels.table.argmax(scores, shape.count)
            choices[choice] = Int32(best)
            weights[choice] = scores[best]
            sum += scores[best]
            scores[best] = -1
        }
        guard shape.normalizesWeights, sum > 0 else { return }
        for choice in 0..<shape.usedCount { weights[choice] /= sum }
    }

    /// gate | up of the rows in `slots`, as many at a time as the worker's tile holds.
    private func multiply(
        _ projection: Projection,
        gathering slots: Range<Int>,
        from input: UnsafePointer<Float>,
        _ memory: TransformerScratch.Experts,
        _ team: RowTeam
    ) {
        let size = configuration.hiddenSize
        let tile = scratch.workers[team.worker].tile
        let rowOfSlot = memory.workers[team.worker].rowOfSlot.base
        let share = team.share(of: projection)
        guard !share.isEmpty else { return }
        let limit = max(1, tile.count / size)
        for start in stride(from: slots.lowerBound, to: slots.upperBound, by: limit) {
            let count = min(limit, slots.upperBound - start)
            for index in 0..<count {
                (tile.base + index * size).update(from: input + Int(rowOfSlot[start + index]) * size, count: size)
            }
            projection.multiply(
                share: share,
                x: tile.base,
                ldx: size,
                rows: count,
                y: memory.projected.base + start * 2 * memory.innerSize,
                ldy: 2 * memory.innerSize
            )
        }
    }

    /// The weighted sum of each row's visits.
    private func combine(
        _ rows: Range<Int>,
        visits: Int,
        into updates: UnsafeMutablePointer<Float>,
        _ memory: TransformerScratch.Experts,
        _ grouped: TransformerScratch.Experts.Visits
    ) {
        let size = configuration.hiddenSize
        for row in rows {
            let update = updates + row * size
            update.update(repeating: 0, count: size)
            for visit in row * visits..<(row + 1) * visits {
                let result = memory.results.base + Int(grouped.slotOfVisit.base[visit]) * size
                let weight = memory.weights.base[visit]
                for element in 0..<size { update[element] += weight * result[element] }
            }
        }
    }
}
