import Logging
import ServiceLifecycle
import StellarServer
import Testing

@Suite("Listening", .timeLimit(.minutes(20)))
struct ListenErrorTests {
    private func failure(host: String = "127.0.0.1", port: Int) async throws -> ListenError? {
        var server = TestServer()
        server.configuration.host = host
        server.configuration.port = port
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let group = ServiceGroup(configuration: .init(services: [ChatServerService(server.server)], logger: logger))
        let error = await #expect(throws: (any Error).self) { try await group.run() }
        return error.flatMap { ListenError($0, host: host, port: port) }
    }

    @Test("A port in use is named, with what to do")
    func portInUse() async throws {
        try await TestServer().run { port, _ in
            let error = try await failure(port: port)
            #expect(error?.description.contains("Port \(port) is in use") == true)
            #expect(error?.description.contains("PORT=") == true)
        }
    }

    @Test("An address that is not this machine's is named", arguments: ["203.0.113.7", "no-such-host.invalid"])
    func foreignAddress(host: String) async throws {
        let error = try await failure(host: host, port: 0)
        #expect(error?.description.contains(host) == true)
    }

    @Test("Other errors are none of its business")
    func otherErrors() {
        #expect(ListenError(CancellationError(), host: "h", port: 1)?.description == nil)
    }
}
