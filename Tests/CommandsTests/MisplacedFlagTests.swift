import Foundation
import Testing
import UD2MTestSupport

/// Flags that would change nothing where they stand: each is a usage error that names it, found before any file is read.
@Suite("flags that belong to something else")
struct MisplacedFlagTests {
    private static let restore = ["restore", "prior.ud2w", "seen.png", "-o", "out.png"]
    private static let degrade = ["degrade", "clean.png", "-o", "seen.png"]
    private static let prior = ["prior", "prior.ud2w", "-o", "grid.png", "--size", "8"]

    /// The command line, and the flag that its error names.
    static let cases: [([String], String)] = [
        (restore + ["--task", "deblur", "--factor", "8"], "--factor"),
        (restore + ["--task", "deblur", "--sf", "8"], "--factor"),
        (restore + ["--task", "deblur", "--quality", "3"], "--quality"),
        (restore + ["--task", "sr", "--mask", "m.png"], "--mask"),
        (restore + ["--task", "denoise", "--kernel", "uniform"], "--kernel"),
        (restore + ["--task", "jpeg", "--kernel-size", "5"], "--kernel-size"),
        (restore + ["--task", "deblur", "--kernel", "uniform", "--kernel-variance", "2"], "--kernel-variance"),
        (restore + ["--task", "deblur", "--kernel-sigma", "2"], "--kernel-sigma"),
        (restore + ["--task", "deblur", "--kernel-cross-sigma", "2"], "--kernel-cross-sigma"),
        (restore + ["--task", "deblur", "--kernel-angle", "20"], "--kernel-angle"),
        (restore + ["--task", "deblur", "--motion-length", "4"], "--motion-length"),
        (restore + ["--task", "deblur", "--motion-intensity", "1"], "--motion-intensity"),
        (restore + ["--task", "deblur", "--kernel", "k.npy", "--kernel-seed", "1"], "--kernel-seed"),
        (restore + ["--task", "deblur", "--kernel", "k.npy", "--kernel-size", "5"], "--kernel-size"),
        (restore + ["--operator", "o.json", "--sigma", "0.1"], "--sigma"),
        (restore + ["--operator", "o.json", "--factor", "2"], "--factor"),
        (restore + ["--operator", "o.json", "--kernel", "uniform"], "--kernel"),
        (restore + ["--task", "deblur", "--quantiles", "0.1,0.9", "--samples", "2"], "--quantiles"),
        (restore + ["--task", "deblur", "--noise-tape", "n.safetensors", "--seed", "1"], "--seed"),
        (restore + ["--task", "deblur", "--noise-tape", "n.safetensors", "--rng", "philox"], "--rng"),
        (restore + ["--task", "deblur", "--no-calibrate"], "--no-calibrate"),
        (restore + ["--task", "deblur", "--alpha", "1"], "--alpha"),
        (restore + ["--task", "deblur", "--timesteps", "999,444,444"], "--timesteps"),
        (restore + ["--task", "deblur", "--timesteps", "111,444"], "--timesteps"),
        (degrade + ["--task", "deblur", "--missing", "0.5"], "--missing"),
        (degrade + ["--task", "sr", "--kept", "0.5"], "--kept"),
        (degrade + ["--task", "jpeg", "--box", "0,0,1,1"], "--box"),
        (degrade + ["--task", "inpaint", "--mask", "m.png", "--box", "0,0,1,1"], "--box"),
        (degrade + ["--task", "inp", "--operator_name", "box", "--missing", "0.5"], "--missing"),
        (degrade + ["--task", "inp", "--operator_name", "box", "--mask", "m.png"], "--kernel"),
        (degrade + ["--task", "inpaint", "--measured", "0.5"], "--measured"),
        (degrade + ["--task", "cs", "--matrix", "m.npy", "--measured", "0.5"], "--measured"),
        (degrade + ["--task", "deblur", "--measurement-scale", "1"], "--measurement-scale"),
        (degrade + ["--task", "deblur", "--matrix", "m.npy"], "--matrix"),
        (degrade + ["--task", "deblur", "--factor", "8"], "--factor"),
        (degrade + ["--operator", "o.json", "--quality", "8"], "--quality"),
        (degrade + ["--operator", "o.json", "--box", "0,0,1,1"], "--box"),
        (prior + ["--adapter-select", "state_dict"], "--adapter-select"),
        (prior + ["--solver", "ddpm", "--eta", "0.5"], "--eta"),
    ]

    @Test("each is refused by name", arguments: cases)
    func refused(arguments: [String], flag: String) throws {
        let error = try ToolTest.failure("ud2m", arguments, exitCode: 64).object
        #expect(error?["code"]?.string == "usage")
        #expect(error?["message"]?.string?.contains(flag) == true, "\(error?["message"]?.string ?? "")")
    }

    /// These end at the missing file, and not before.
    static let used: [[String]] = [
        restore + ["--task", "sr", "--factor", "8", "--kernel", "gaussian", "--kernel-variance", "2"],
        restore + ["--task", "deblur", "--kernel", "anisotropic", "--kernel-size", "5", "--kernel-angle", "20"],
        restore + ["--task", "deblur", "--kernel", "motion", "--kernel-seed", "2", "--motion-length", "3"],
        restore + ["--task", "inp", "--operator_name", "random", "--mask", "m.png", "--sigma_model", "0.1"],
        restore + ["--task", "jpeg", "--quality", "5", "--noise-tape", "n.safetensors"],
        restore + ["--task", "deblur", "--timesteps", "999,444,111", "--seed", "4", "--rng", "torch"],
        degrade + ["--task", "inp", "--operator_name", "random", "--mask_rate", "0.3"],
        degrade + ["--task", "cs", "--matrix", "m.npy", "--measurement-scale", "0.5"],
    ]

    @Test("where they belong they are taken", arguments: used)
    func taken(arguments: [String]) throws {
        let result = try BuiltTool("ud2m").run(arguments)
        #expect(result.exitCode == 66, "\(result.errorText)")
    }

    @Test("names of outputs in a folder need one")
    func template() throws {
        let error = try ToolTest.failure(
            "ud2m",
            ["restore", "prior.ud2w", ToolTest.photo, "-o", "out.png", "--task", "deblur", "--name", "{name}_x.png"],
            exitCode: 64)
        #expect(error.object?["message"]?.string?.contains("--name") == true)
    }
}
