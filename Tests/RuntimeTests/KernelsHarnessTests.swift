import CUD2MKernelCases
import CUD2MKernels
import Testing

/// The harness that `scripts/kernels.sh` runs, on what is quick to check.
@Suite("Kernels: the shared list and random shapes")
struct KernelsHarnessTests {
    static let checked = (0..<ud2m_case_count()).map(ud2m_case_at)
        .filter { $0.use == UD2M_CASE_CHECKED || $0.use == UD2M_CASE_REFUSED }
        .map { String(cString: $0.name) }

    private func find(_ name: String) throws -> ud2m_case {
        try #require((0..<ud2m_case_count()).map(ud2m_case_at).first { String(cString: $0.name) == name })
    }

    private func failures(_ name: String, slack: Double) throws -> Int32 {
        var found = try find(name)
        var options = ud2m_check_options(seed: 1, slack: slack, silent: slack == 0, misaligned: true, verbose: false)
        return ud2m_check_case(&found, &options)
    }

    @Test("every case is within its bounds of the reference tier", arguments: checked)
    func passes(_ name: String) throws {
        #expect(try failures(name, slack: 1) == 0)
    }

    @Test(
        "an error beyond the bound is a failure", arguments: ["3x3-silu-residual", "attention-new", "linear-512-128"])
    func failsWithoutSlack(_ name: String) throws {
        #expect(try failures(name, slack: 0) > 0)
    }

    /// The first convolution of the list on one pixel without padding, which no 3×3 kernel fits.
    private func failuresOfSmallImage(isRefused: Bool, side: Int32) throws -> Int32 {
        var convolution = try find("3x3-rgb").convolution.pointee
        (convolution.height, convolution.width, convolution.pads) = (side, side, (0, 0, 0, 0))
        return try withUnsafePointer(to: convolution) { pointer in
            var found = try find("3x3-rgb")
            found.convolution = pointer
            found.use = isRefused ? UD2M_CASE_REFUSED : UD2M_CASE_CHECKED
            var options = ud2m_check_options(seed: 1, slack: 1, silent: true, misaligned: false, verbose: false)
            return ud2m_check_case(&found, &options)
        }
    }

    @Test("a case of which nothing runs is a failure, unless it is to be refused")
    func nothingRuns() throws {
        #expect(try failuresOfSmallImage(isRefused: false, side: 1) > 0)
        #expect(try failuresOfSmallImage(isRefused: true, side: 1) == 0)
        // And one that runs although it was to be refused.
        #expect(try failuresOfSmallImage(isRefused: true, side: 9) > 0)
        #expect(try failuresOfSmallImage(isRefused: false, side: 9) == 0)
    }

    @Test("names are used once, and every operation is checked and timed")
    func coverage() {
        let cases = (0..<ud2m_case_count()).map(ud2m_case_at)
        #expect(Set(cases.map { String(cString: $0.name) }).count == cases.count)
        for kind in UD2M_CASE_CONVOLUTION.rawValue...UD2M_CASE_LINEAR.rawValue {
            let uses = cases.filter { $0.kind.rawValue == kind }.map(\.use)
            #expect(uses.contains(UD2M_CASE_CHECKED) && uses.contains(UD2M_CASE_TIMED))
        }
    }

    @Test("random shapes are within the bounds", arguments: [UInt64(1), 1000])
    func fuzz(_ seed: UInt64) {
        #expect(ud2m_fuzz(seed, 60, 0) == 0)
    }
}
