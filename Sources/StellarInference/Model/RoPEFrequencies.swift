import Foundation

/// Angle per position of each pair of a rotary embedding, for a context of given length.
struct RoPEFrequencies: Sendable {
    /// Radians per position, one a pair.
    let values: [Double]
    /// Factor of cosines and sines.
    let attentionFactor: Double
    let pairing: RoPEConfiguration.Pairing
    /// From this position on the angles are those of ``extended(position:)``.
    private let fixedLength: Int
    private let configuration: RoPEConfiguration

    var pairs: Int { values.count }

    /// - Parameters:
    ///   - divisors: One a pair where the file holds them (Llama 3's `rope_freqs`, LongRoPE's factors), else empty.
    ///   - contextLength: Tokens of the longest sequence that will be read.
    init(_ configuration: RoPEConfiguration, divisors: RoPEDivisors = RoPEDivisors(), contextLength: Int) {
        self.configuration = configuration
        pairing = configuration.pairing
        var frequencies = Self.plain(base: configuration.base, dimensions: configuration.dimensions)
        var (factor, length) = (1.0, Int.max)
        switch configuration.scaling {
        case .none: break
        case .linear(let factor): frequencies = frequencies.map { $0 / factor }
        case .dynamic(_, let originalLength): length = originalLength
        case .llama3(let scaling): frequencies = frequencies.map(scaling.apply)
        case .yarn(let scaling):
            frequencies = scaling.apply(frequencies, base: configuration.base)
            factor = scaling.attentionFactor
        case .longRoPE(let scaling):
            let isLong = contextLength > scaling.originalLength
            let list = isLong ? scaling.longFactors : scaling.shortFactors
            frequencies = Self.divide(frequencies, by: list.isEmpty ? isLong ? divisors.long : divisors.short : list)
            factor = scaling.attentionFactor
        case .stellarByte(let scaling): frequencies = scaling.apply(frequencies)
        }
        values = Self.divide(frequencies, by: divisors.all)
        attentionFactor = factor
        fixedLength = length
    }

    /// Writes cosine and sine of each pair at `position`; computed in FP64, as large angles lose all digits in FP32.
    func write(position: Int, cosines: UnsafeMutablePointer<Float>, sines: UnsafeMutablePointer<Float>) {
        if position >= fixedLength { return write(extended(position: position), position, cosines, sines) }
        write(values, position, cosines, sines)
    }

    private func write(
        _ frequencies: [Double],
        _ position: Int,
        _ cosines: UnsafeMutablePointer<Float>,
        _ sines: UnsafeMutablePointer<Float>
    ) {
        for pair in frequencies.indices {
            let angle = Double(position) * frequencies[pair]
            cosines[pair] = Float(cos(angle) * attentionFactor)
            sines[pair] = Float(sin(angle) * attentionFactor)
        }
    }

    /// Dynamic scaling: the base that fits a sequence that ends at `position`.
    private func extended(position: Int) -> [Double] {
        guard case .dynamic(let factor, let originalLength) = configuration.scaling, configuration.dimensions > 2 else { return values }
        let dimensions = Double(configuration.dimensions)
        let growth = factor * Double(position + 1) / Double(originalLength) - (factor - 1)
        return Self.plain(base: configuration.base * pow(growth, dimensions / (dimensions - 2)), dimensions: configuration.dimensions)
    }

    private static func plain(base: Double, dimensions: Int) -> [Double] {
        (0..<dimensions / 2).map { pow(base, -2 * Double($0) / Double(dimensions)) }
    }

    private static func divide(_ frequencies: [Double], by divisors: [Double]) -> [Double] {
        guard divisors.count == frequencies.count else { return frequencies }
        return zip(frequencies, divisors).map { $0 / $1 }
    }
}

/// Divisors of RoPE frequencies that a file holds as tensors; each list is empty or has one a pair.
struct RoPEDivisors: Sendable {
    /// Always applied.
    var all: [Double] = []
    /// LongRoPE's two lists.
    var short: [Double] = []
    var long: [Double] = []
}

extension Llama3Scaling {
    fileprivate func apply(_ frequency: Double) -> Double {
        let wavelength = 2 * Double.pi / frequency
        if wavelength < Double(originalLength) / highFrequencyFactor { return frequency }
        if wavelength > Double(originalLength) / lowFrequencyFactor { return frequency / factor }
        let blend = (Double(originalLength) / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
        return (1 - blend) * frequency / factor + blend * frequency
    }
}

extension YaRNScaling {
    fileprivate func apply(_ frequencies: [Double], base: Double) -> [Double] {
        let dimensions = Double(2 * frequencies.count)
        /// The pair (not whole) that makes `turns` turns within the original length.
        func pair(_ turns: Double) -> Double {
            dimensions * log(Double(originalLength) / (turns * 2 * Double.pi)) / (2 * log(base))
        }
        var (low, high) = (pair(betaFast), pair(betaSlow))
        if truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
        (low, high) = (max(low, 0), min(high, dimensions - 1))
        if low == high { high += 0.001 }
        return frequencies.enumerated().map { index, frequency in
            let blend = min(1, max(0, (Double(index) - low) / (high - low)))
            return frequency / factor * blend + frequency * (1 - blend)
        }
    }
}

extension StellarByteScaling {
    fileprivate func apply(_ frequencies: [Double]) -> [Double] {
        let last = frequencies.firstIndex { 2 * Double.pi / $0 > Double(originalLength) } ?? frequencies.count
        let steps = Double(max(frequencies.count - 1, 1))
        return frequencies.enumerated().map { index, frequency in
            guard index < last else { return frequency / factor }
            let beta = betaSlow + (betaFast - betaSlow) * Double(index) / steps
            return frequency * (beta * factor - beta + 1) / (beta * factor)
        }
    }
}
