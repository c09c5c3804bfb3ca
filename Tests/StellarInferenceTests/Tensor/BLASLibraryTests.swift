import StellarInference
import Testing

@Suite("BLAS in use")
struct BLASLibraryTests {
    @Test("the library is named and measured")
    func named() {
        let library = BLASLibrary.current
        #expect(!library.name.isEmpty && library.name != "unknown BLAS")
        #expect(library.gigaflops > 0 && library.kernelGigaflops > 0)
        #expect(!(library.isSlow && library.isWorthUsing))
    }
}
