internal import Foundation

/// The operators of expressions, with Python's meaning; integers are of 64 bits, and what does not fit is an error.
enum JinjaOperators {
    static func negative(_ value: JinjaValue) throws -> JinjaValue {
        if case .double(let number) = value { return .double(-number) }
        guard let number = value.asInteger else { throw unsupported("unary -", value) }
        return .integer(try checked(0.subtractingReportingOverflow(number)))
    }

    static func positive(_ value: JinjaValue) throws -> JinjaValue {
        if case .double = value { return value }
        guard let number = value.asInteger else { throw unsupported("unary +", value) }
        return .integer(number)
    }

    private static func unsupported(_ operation: String, _ operands: JinjaValue...) -> JinjaError {
        for case .undefined(let undefined) in operands { return JinjaError(undefined.message) }
        let types = operands.map { "'\($0.typeName)'" }.joined(separator: " and ")
        return JinjaError("unsupported operand type(s) for \(operation): \(types)")
    }

    static func checked(_ result: (partialValue: Int, overflow: Bool)) throws -> Int {
        guard !result.overflow else { throw JinjaError("integer overflow") }
        return result.partialValue
    }

    static func apply(
        _ operation: JinjaBinaryOperator,
        _ left: JinjaValue,
        _ right: JinjaValue,
        _ interpreter: JinjaInterpreter
    ) throws -> JinjaValue {
        if operation == .modulo, case .string(let format) = left {
            return .string(try JinjaPercentFormat.apply(format, right, interpreter))
        }
        if let result = try applyToSequences(operation, left, right, interpreter) { return result }
        if let first = left.asInteger, let second = right.asInteger { return try applyToIntegers(operation, first, second) }
        guard let first = left.asDouble, let second = right.asDouble else { throw unsupported(operation.rawValue, left, right) }
        return .double(try applyToDoubles(operation, first, second))
    }

    // MARK: Sequences

    private static func applyToSequences(
        _ operation: JinjaBinaryOperator,
        _ left: JinjaValue,
        _ right: JinjaValue,
        _ interpreter: JinjaInterpreter
    ) throws -> JinjaValue? {
        switch (operation, left, right) {
        case (.add, .string(let first), .string(let second)):
            try interpreter.charge(bytes: first.count + second.count)
            var result = first
            result.append(second)
            return .string(result)
        case (.add, .list(let first), .list(let second)): return try .list(try joined(first, second, interpreter))
        case (.add, .tuple(let first), .tuple(let second)): return try .tuple(try joined(first, second, interpreter))
        case (.multiply, _, _):
            if let count = right.asInteger { return try repeated(left, count, interpreter) }
            if let count = left.asInteger { return try repeated(right, count, interpreter) }
            return nil
        default: return nil
        }
    }

    private static func joined(_ left: JinjaList, _ right: JinjaList, _ interpreter: JinjaInterpreter) throws -> [JinjaValue] {
        try interpreter.charge(left.items.count + right.items.count)
        return left.items + right.items
    }

    private static func repeated(_ value: JinjaValue, _ count: Int, _ interpreter: JinjaInterpreter) throws -> JinjaValue? {
        let times = max(count, 0)
        switch value {
        case .string(let text):
            let bytes = text.count.multipliedReportingOverflow(by: times)
            try interpreter.charge(bytes: bytes.overflow ? .max : bytes.partialValue)
            if text.isEmpty { return .string(text) }
            var result = JinjaString()
            for _ in 0..<times { result.append(text) }
            return .string(result)
        case .list(let list): return try .list(try repeated(list.items, times, interpreter))
        case .tuple(let list): return try .tuple(try repeated(list.items, times, interpreter))
        default: return nil
        }
    }

    private static func repeated(_ items: [JinjaValue], _ times: Int, _ interpreter: JinjaInterpreter) throws -> [JinjaValue] {
        let count = items.count.multipliedReportingOverflow(by: times)
        guard !count.overflow, count.partialValue <= JinjaLimits.valueWeight else { throw JinjaError("a list or mapping holds too much") }
        try interpreter.charge(count.partialValue)
        return items.isEmpty ? [] : Array(repeatElement(items, count: times).joined())
    }

    // MARK: Numbers

    private static func applyToIntegers(_ operation: JinjaBinaryOperator, _ left: Int, _ right: Int) throws -> JinjaValue {
        switch operation {
        case .add: return .integer(try checked(left.addingReportingOverflow(right)))
        case .subtract: return .integer(try checked(left.subtractingReportingOverflow(right)))
        case .multiply: return .integer(try checked(left.multipliedReportingOverflow(by: right)))
        case .divide: return .double(try quotient(left, right))
        case .floorDivide: return .integer(try floorDivision(left, right).quotient)
        case .modulo: return .integer(try floorDivision(left, right).remainder)
        case .power: return right < 0 ? .double(try applyToDoubles(.power, Double(left), Double(right))) : .integer(try power(left, right))
        }
    }

    /// The number nearest to left / right, also where they have more digits than a double holds.
    private static func quotient(_ left: Int, _ right: Int) throws -> Double {
        guard right != 0, left != 0, max(left.magnitude, right.magnitude) > 1 << 53 else {
            return try applyToDoubles(.divide, Double(left), Double(right))
        }
        let shift = left.magnitude.leadingZeroBitCount
        let (bits, rest) = (UInt128(left.magnitude << shift) << 64).quotientAndRemainder(dividingBy: UInt128(right.magnitude))
        // The lowest of 65 bits and more says whether something follows: it can't change how a tie is rounded otherwise.
        let magnitude = Double(sign: .plus, exponent: -64 - shift, significand: Double(rest == 0 ? bits : bits | 1))
        return (left < 0) == (right < 0) ? magnitude : -magnitude
    }

    static func floorDivision(_ left: Int, _ right: Int) throws -> (quotient: Int, remainder: Int) {
        guard right != 0 else { throw JinjaError("integer division or modulo by zero") }
        var quotient = try checked(left.dividedReportingOverflow(by: right))
        var remainder = try checked(left.remainderReportingOverflow(dividingBy: right))
        if remainder != 0, (remainder < 0) != (right < 0) {
            quotient -= 1
            remainder += right
        }
        return (quotient, remainder)
    }

    private static func power(_ base: Int, _ exponent: Int) throws -> Int {
        var result = 1
        var square = base
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result = try checked(result.multipliedReportingOverflow(by: square)) }
            rest >>= 1
            if rest > 0 { square = try checked(square.multipliedReportingOverflow(by: square)) }
        }
        return result
    }

    private static func applyToDoubles(_ operation: JinjaBinaryOperator, _ left: Double, _ right: Double) throws -> Double {
        switch operation {
        case .add: return left + right
        case .subtract: return left - right
        case .multiply: return left * right
        case .divide:
            guard right != 0 else { throw JinjaError("division by zero") }
            return left / right
        case .floorDivide:
            guard right != 0 else { throw JinjaError("float floor division by zero") }
            return (left / right).rounded(.down)
        case .modulo:
            guard right != 0 else { throw JinjaError("float modulo") }
            let remainder = fmod(left, right)
            if remainder == 0 { return Double(signOf: right, magnitudeOf: 0) }
            return (remainder < 0) != (right < 0) ? remainder + right : remainder
        case .power:
            guard left != 0 || right >= 0 else { throw JinjaError("0.0 cannot be raised to a negative power") }
            guard left >= 0 || right == right.rounded() else { throw JinjaError("complex numbers are not supported") }
            let result = pow(left, right)
            guard result.isFinite || !left.isFinite || !right.isFinite else { throw JinjaError("numerical result out of range") }
            return result
        }
    }

    // MARK: Comparison

    static func compare(
        _ comparison: JinjaComparison,
        _ left: JinjaValue,
        _ right: JinjaValue,
        _ interpreter: JinjaInterpreter
    ) throws -> Bool {
        try interpreter.charge(min(left.weight, right.weight))
        switch comparison {
        case .equal: return left.isEqual(to: right)
        case .notEqual: return !left.isEqual(to: right)
        case .less: return try left.isLess(than: right)
        case .greater: return try right.isLess(than: left)
        case .lessOrEqual: return try left.isLess(than: right) || (left.isEqual(to: right) && !isNaN(left))
        case .greaterOrEqual: return try right.isLess(than: left) || (left.isEqual(to: right) && !isNaN(left))
        case .isIn: return try contains(right, left, interpreter)
        case .isNotIn: return !(try contains(right, left, interpreter))
        }
    }

    private static func isNaN(_ value: JinjaValue) -> Bool {
        if case .double(let number) = value { return number.isNaN }
        return false
    }

    static func contains(_ container: JinjaValue, _ value: JinjaValue, _ interpreter: JinjaInterpreter) throws -> Bool {
        try interpreter.charge(container.weight + value.weight)
        switch container {
        case .string(let text):
            guard case .string(let needle) = value else {
                throw JinjaError("'in <string>' requires string as left operand, not \(value.typeName)")
            }
            return text.contains(needle)
        case .dictionary(let dictionary):
            switch value {
            case .iterator, .range, .function, .macro, .loop: return false  // Hashed by identity, and never a key here.
            default: return dictionary.value(try JinjaKey(value)) != nil
            }
        case .range(let range): return range.items.contains { $0.isEqual(to: value) }
        case .iterator(let iterator):
            while let item = try iterator.next() { if item.isEqual(to: value) { return true } }
            return false
        case .undefined: return false
        default:
            guard container.isIterable else { throw JinjaError("argument of type '\(container.typeName)' is not iterable") }
            return try container.elements().contains { $0.isEqual(to: value) }
        }
    }
}

/// `value[start:stop:step]`.
enum JinjaSlice {
    static func apply(
        _ start: JinjaValue?,
        _ stop: JinjaValue?,
        _ step: JinjaValue?,
        to value: JinjaValue,
        _ interpreter: JinjaInterpreter
    ) throws -> JinjaValue {
        try interpreter.charge(value.weight)
        if case .undefined(let undefined) = value { throw JinjaError(undefined.message) }
        let bounds = try [start, stop, step].map(bound)
        let indices = { (count: Int) in try Self.indices(bounds[0], bounds[1], bounds[2] ?? 1, count: count) }
        switch value {
        case .string(let text): return .string(try slice(text, indices))
        case .list(let list): return try .list(try indices(list.items.count).map { list.items[$0] })
        case .tuple(let list): return try .tuple(try indices(list.items.count).map { list.items[$0] })
        case .range(let range): return try slice(range, bounds)
        default: throw JinjaError("'\(value.typeName)' object can't be sliced")
        }
    }

    private static func bound(_ value: JinjaValue?) throws -> Int? {
        guard let value else { return nil }
        if case .none = value { return nil }
        guard let number = value.asInteger else { throw JinjaError("slice indices must be integers or None") }
        return number
    }

    /// A slice of a range is a range.
    private static func slice(_ range: JinjaRange, _ bounds: [Int?]) throws -> JinjaValue {
        let (first, last, step) = try resolve(bounds[0], bounds[1], bounds[2] ?? 1, count: range.count)
        let count = stride(from: first, to: last, by: step).underestimatedCount
        func position(_ index: Int) throws -> Int {
            let distance = try JinjaOperators.checked(index.multipliedReportingOverflow(by: range.step))
            return try JinjaOperators.checked(range.start.addingReportingOverflow(distance))
        }
        let scaled = try JinjaOperators.checked(step.multipliedReportingOverflow(by: range.step))
        return .range(JinjaRange(start: try position(first), stop: try position(last), step: scaled, count: count))
    }

    private static func slice(_ text: JinjaString, _ indices: (Int) throws -> [Int]) throws -> JinjaString {
        let offsets = text.codePointOffsets
        let selected = try indices(offsets.count - 1)
        guard let first = selected.first, let last = selected.last else { return JinjaString() }
        if selected.count == last - first + 1 { return text[offsets[first]..<offsets[last + 1]] }
        var result = JinjaString()
        for index in selected { result.append(text, range: offsets[index]..<offsets[index + 1]) }
        return result
    }

    /// Python's `slice.indices`, written out.
    private static func indices(_ start: Int?, _ stop: Int?, _ step: Int, count: Int) throws -> [Int] {
        let (first, last, step) = try resolve(start, stop, step, count: count)
        return Array(stride(from: first, to: last, by: step))
    }

    private static func resolve(_ start: Int?, _ stop: Int?, _ step: Int, count: Int) throws -> (first: Int, last: Int, step: Int) {
        guard step != 0 else { throw JinjaError("slice step cannot be zero") }
        let (low, high) = step > 0 ? (0, count) : (-1, count - 1)
        func clamp(_ index: Int?, _ fallback: Int) -> Int {
            guard let index else { return fallback }
            return min(max(index < 0 ? index + count : index, low), high)
        }
        let first = clamp(start, step > 0 ? low : high)
        let last = clamp(stop, step > 0 ? high : low)
        return (first, last, min(max(step, -count - 1), count + 1))
    }
}
