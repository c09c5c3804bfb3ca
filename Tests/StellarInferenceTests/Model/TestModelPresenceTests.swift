import StellarTestSupport
import Testing

@Suite("Test model")
struct TestModelPresenceTests {
    @Test("where the model is required, it is there", .enabled(if: TestModel.isRequired, "STELLAR_REQUIRE_MODEL is not 1"))
    func present() {
        #expect(TestModel.isAvailable, "\(TestModel.skipReason)")
    }
}
