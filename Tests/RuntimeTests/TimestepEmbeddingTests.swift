import CUD2MKernels
import Testing
import UD2MTestSupport

/// The sinusoidal embeddings of both networks at the widths that exist, integer and fractional timesteps alike.
@Suite struct TimestepEmbeddingTests {
    @Test(arguments: [32, 64, 128, 192, 256], ["adm", "ddpm"])
    func matchesReference(_ width: Int, _ style: String) throws {
        let golden = try Golden("embed/timestep_embeddings.safetensors")
        let timesteps = try golden["t"].values
        let reference = try golden["\(style)_\(width)"].values
        let order = style == "adm" ? UD2M_TIMESTEP_COSINE_FIRST : UD2M_TIMESTEP_SINE_FIRST
        let shift: Int32 = style == "adm" ? 0 : 1
        var values = [Float](repeating: .nan, count: timesteps.count * width)
        for (row, timestep) in timesteps.enumerated() {
            values.withUnsafeMutableBufferPointer { buffer in
                let start = buffer.baseAddress.map { $0 + row * width }
                #expect(ud2m_timestep_embedding(timestep, Int32(width), order, shift, start) == UD2M_STATUS_OK)
            }
        }
        // The reference's exponential rounds a few frequencies that lie near a tie the other way (the kernel's is
        // correctly rounded); at timestep 999 one unit in the last place turns an angle by up to 6e-5.
        let differences = zip(values, reference).map { abs($0 - $1) }
        #expect(differences.allSatisfy { $0 <= 6.1e-5 })
        #expect(differences.count { $0 > 1e-6 } * 100 <= differences.count)
    }
}
