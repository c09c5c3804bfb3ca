import CStellarKernels
import Foundation
import Testing

@Suite("Choice of the instruction set")
struct KernelDispatchTests {
    private func select(_ name: String?, capacity: Int = 256) -> (status: stellar_status, isa: stellar_isa?, message: String) {
        var kernels: UnsafePointer<stellar_kernels>?
        var message = [CChar](repeating: 1, count: capacity)
        let status = stellar_kernels_select(name, &kernels, &message, capacity)
        let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return (status, kernels?.pointee.isa, String(decoding: text, as: UTF8.self))
    }

    @Test("Each instruction set of this machine can be chosen by its name")
    func byName() {
        for set in InstructionSet.available {
            let choice = select(String(cString: stellar_isa_name(stellar_isa(set.isa))))
            #expect(choice.status == STELLAR_STATUS_OK && choice.isa == stellar_isa(set.isa) && choice.message.isEmpty)
        }
    }

    @Test("No name chooses the best one", arguments: [nil, ""] as [String?])
    func automatic(name: String?) throws {
        let best = try #require(InstructionSet.available.last)
        let choice = select(name)
        #expect(choice.status == STELLAR_STATUS_OK && choice.isa == stellar_isa(best.isa))
    }

    @Test("All kernels of this machine are told, the best first, the reference last, each once")
    func available() throws {
        let count = stellar_kernels_available(nil, 0)
        var tables = [UnsafePointer<stellar_kernels>?](repeating: nil, count: count + 1)
        #expect(stellar_kernels_available(&tables, count + 1) == count && tables[count] == nil)
        let kernels = try tables.prefix(count).map { try #require($0) }
        #expect(kernels.first == stellar_kernels_active() || ProcessInfo.processInfo.environment["STELLAR_ISA"] != nil)
        #expect(kernels.last?.pointee.isa == STELLAR_ISA_SCALAR)
        #expect(Set(kernels).count == count)
        for isa in kernels.map(\.pointee.isa) {
            #expect(stellar_kernels_for(isa) == kernels.first { $0.pointee.isa == isa })
        }
    }

    @Test("An unknown name is an error that says what there is", arguments: ["sse9", "AVX2", "avx", " scalar", "avx512 "])
    func unknown(name: String) {
        let choice = select(name)
        #expect(choice.status == STELLAR_STATUS_UNKNOWN_ISA && choice.isa == nil)
        #expect(choice.message.contains("'\(name)' is unknown") && choice.message.contains("scalar"))
    }

    @Test("The name of a set that this machine lacks is an error that says so")
    func unsupported() {
        for isa in [STELLAR_ISA_AVX2, STELLAR_ISA_AVX512, STELLAR_ISA_NEON] where stellar_kernels_for(isa) == nil {
            let choice = select(String(cString: stellar_isa_name(isa)))
            #expect(choice.status == STELLAR_STATUS_UNSUPPORTED_ISA && choice.isa == nil)
            #expect(choice.message.contains("is not available"))
        }
    }

    @Test("Messages are cut to the space that is there")
    func shortMessage() {
        #expect(select("sse9", capacity: 9).message == "instruct")
        #expect(select(String(repeating: "x", count: 5000)).message.count < 256)
        var kernels: UnsafePointer<stellar_kernels>?
        #expect(stellar_kernels_select("sse9", &kernels, nil, 0) == STELLAR_STATUS_UNKNOWN_ISA)
    }

    @Test("The active kernels are always the same and can run here")
    func active() throws {
        let active = try #require(stellar_kernels_active())
        #expect(stellar_kernels_for(active.pointee.isa) == active)
        #expect(stellar_kernels_active() == active)
    }

    @Test("The environment is judged as the same name is")
    func environment() {
        let name = ProcessInfo.processInfo.environment["STELLAR_ISA"]
        var message = [CChar](repeating: 1, count: 256)
        let choice = select(name)
        #expect(stellar_kernels_status(&message, 256) == choice.status)
        #expect((message[0] == 0) == (choice.status == STELLAR_STATUS_OK))
        #expect(choice.isa == nil || stellar_kernels_active().pointee.isa == choice.isa)
    }

    @Test("Values that are no instruction set have no kernels")
    func invalid() {
        #expect(stellar_kernels_for(stellar_isa(99)) == nil)
        #expect(String(cString: stellar_isa_name(stellar_isa(99))) == "unknown")
    }

    @Test("The description of the processor names what the kernels need, and is cut to the space that is there")
    func description() {
        var text = [CChar](repeating: 1, count: 256)
        let length = stellar_cpu_description(&text, 256)
        let features = String(decoding: text.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        #expect(text[length] == 0)
        if stellar_kernels_for(STELLAR_ISA_AVX2) != nil { #expect(features.contains("avx2") && features.contains("f16c")) }
        if stellar_kernels_for(STELLAR_ISA_AVX512) != nil { #expect(features.contains("avx512vl")) }
        var short = [CChar](repeating: 1, count: 4)
        #expect(stellar_cpu_description(&short, 4) == length)
        #expect(short.contains(0) && short[0] == text[0])
        #expect(stellar_cpu_description(nil, 0) == length)
    }
}
