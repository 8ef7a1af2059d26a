import Foundation
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// The network of the recorded runs, made from its checkpoint and its adapter as a user makes it.
enum AdaptedNetwork {
    /// What a tool answered.
    struct ToolFailure: Error {
        let text: String
    }

    /// The checkpoint becomes a store, the training checkpoint a bundle, and the adapter is merged while loading.
    static func denoiser() throws -> NetworkDenoiser {
        let folder = try TemporaryDirectory()
        let (base, bundle) = (folder.path("base.ud2w"), folder.path("bundle.ud2w"))
        try run("ud2m-convert", [fixture("adm/adm_a.pt"), base, "--head-channels", "16", "-q"])
        try run(
            "ud2m",
            ["bundle", "create", fixture("lora/ud2m.ckpt"), "--base", base, "--task", "deblur", "-o", bundle, "-q"])
        // The open stores keep their files' bytes although the folder goes.
        return try withExtendedLifetime(folder) {
            let adapter = try NetworkAdapter(store: WeightStore(path: bundle))
            return try NetworkDenoiser(
                network: Network(
                    store: WeightStore(path: base), threads: 2, merging: [AdapterSelection(adapter)]))
        }
    }

    private static func fixture(_ name: String) -> String {
        RepositoryPaths.fixtures.appending(path: name).path(percentEncoded: false)
    }

    private static func run(_ tool: String, _ arguments: [String]) throws {
        let result = try BuiltTool(tool).run(arguments)
        guard result.exitCode == 0 else { throw ToolFailure(text: result.errorText) }
    }
}
