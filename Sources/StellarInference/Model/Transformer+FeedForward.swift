import CStellarKernels
import Foundation

extension Transformer {
    /// The feed-forward network of all rows; leaves what it adds to the residual stream in `update`.
    func feedForward(_ network: ModelWeights.Network, norm: WeightVector?, rows: Range<Int>, worker: Int) {
        let input = normalize(rows, weight: norm)
        pool.barrier()
        multiply(network.gateUp, from: input, to: scratch.projected, worker: worker)
        pool.barrier()
        for row in rows {
            activate(
                gate: scratch.projected.base + row * 2 * network.size,
                into: scratch.activated.base + row * network.size,
                size: network.size
            )
        }
        pool.barrier()
        multiply(network.down, from: scratch.activated, to: scratch.update, worker: worker)
        pool.barrier()
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
    func experts(_ experts: ModelWeights.Experts, norm: WeightVector?, rows: Range<Int>, worker: Int) {
        guard let memory = scratch.experts, let shape = configuration.experts else { return }
        let input = normalize(rows, weight: norm)
        route(rows, experts, shape, input: input.base, memory)
        pool.barrier()
        let visits = memory.workers[worker]
        visits.group(memory.choices.base, rows: layout.rowCount, visits: shape.visits)
        for (index, network) in experts.networks.enumerated() where !visits.slots(of: index).isEmpty {
            multiply(network.gateUp, gathering: visits.slots(of: index), from: input.base, memory, worker: worker)
        }
        pool.barrier()
        let share = pool.share(of: layout.rowCount * shape.visits, worker: worker)
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
                share: self.share(of: network.down, worker: worker),
                x: memory.activated.base + slots.lowerBound * memory.innerSize,
                ldx: memory.innerSize,
                rows: slots.count,
                y: memory.results.base + slots.lowerBound * configuration.hiddenSize,
                ldy: configuration.hiddenSize
            )
        }
        pool.barrier()
        combine(rows, visits: shape.visits, memory, visits)
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
        experts.router.multiply(0..<shape.count, x: input + first * size, ldx: size, rows: rows.count, y: scores, ldy: shape.count)
        for row in rows {
            let choices = memory.choices.base + row * shape.visits
            let weights = memory.weights.base + row * shape.visits
            choose(shape, scores: memory.scores.base + row * shape.count, choices: choices, weights: weights)
            guard shape.sharedCount > 0 else { continue }
            var weight: Float = 1
            if let gate = experts.sharedGate {
                var score: Float = 0
                gate.multiply(0..<1, x: input + row * size, ldx: size, rows: 1, y: &score, ldy: 1)
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
        worker: Int
    ) {
        let size = configuration.hiddenSize
        let tile = scratch.workers[worker].tile
        let rowOfSlot = memory.workers[worker].rowOfSlot.base
        let share = share(of: projection, worker: worker)
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
        _ memory: TransformerScratch.Experts,
        _ grouped: TransformerScratch.Experts.Visits
    ) {
        let size = configuration.hiddenSize
        for row in rows {
            let update = scratch.update.base + row * size
            update.update(repeating: 0, count: size)
            for visit in row * visits..<(row + 1) * visits {
                let result = memory.results.base + Int(grouped.slotOfVisit.base[visit]) * size
                let weight = memory.weights.base[visit]
                for element in 0..<size { update[element] += weight * result[element] }
            }
        }
    }
}
