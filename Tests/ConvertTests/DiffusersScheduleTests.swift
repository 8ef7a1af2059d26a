import Foundation
import Testing
import UD2MConvert
import UD2MFormats
import UD2MTestSupport

/// The `scheduler_config.json` of a diffusers repository goes into the store.
@Suite("Schedules of diffusers")
struct DiffusersScheduleTests {
    private static let standard =
        #""num_train_timesteps": 1000, "beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02"#

    /// Converts a small network with a schedule at a path beside its file; gives the store and the notes.
    private func convert(_ schedule: String?, at place: String = "unet/") throws -> (WeightStore, [String]) {
        let folder = try TemporaryDirectory()
        for name in ["unet", "scheduler"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: false)
        }
        let data = try Data(contentsOf: RepositoryPaths.fixtures.appending(path: "ddpm/pesser_to_diffusers.json"))
        let names = try #require(try JSONSerialization.jsonObject(with: data) as? [String: String])
        let tensors = LayoutConversionTests.ddpm.parameters.map { parameter in
            let name = names[parameter.name.text] ?? ""
            let isProjection = name.contains(".to_") && name.hasSuffix("weight")
            return TensorInput(
                name: TensorName(name), shape: isProjection ? Array(parameter.shape.prefix(2)) : parameter.shape,
                floats: [Float](repeating: 0.5, count: parameter.count))
        }
        let path = folder.path("unet/diffusion_pytorch_model.safetensors")
        try SafetensorsFile.write(to: path, tensors: tensors)
        if let schedule {
            try Data(schedule.utf8).write(to: URL(filePath: folder.path(place + "scheduler_config.json")))
        }
        let plan = try ConversionPlan(checkpoint: try Checkpoint.open(path: path))
        try plan.requireComplete()
        _ = try Converter(plan: plan, toolVersion: "test").write(to: folder.path("out.ud2w"))
        return (try WeightStore(path: folder.path("out.ud2w")), plan.choice.architecture.notes)
    }

    @Test("beside the model or in the folder next to the model's", arguments: ["unet/", "scheduler/"])
    func places(_ place: String) throws {
        let text = "{\"_class_name\": \"DDPMScheduler\", \(Self.standard), \"prediction_type\": \"epsilon\"}"
        let (store, notes) = try convert(text, at: place)
        #expect(notes.isEmpty)
        guard case .object(let config)? = store.information.config,
            case .object(let fields)? = config["scheduler"]
        else {
            Issue.record("no schedule")
            return
        }
        #expect(fields.members.count == 5)
        #expect(fields["num_train_timesteps"]?.int == 1000)
        #expect(fields["_class_name"] == nil)
    }

    @Test("without the file nothing is recorded")
    func absent() throws {
        #expect(try convert(nil).0.information.config == nil)
    }

    @Test(
        "what the sampler cannot use, or must be told, is noted",
        arguments: [
            "\"prediction_type\": \"v_prediction\"", "\"prediction_type\": \"sample\"",
            "\"beta_schedule\": \"sigmoid\"",
            "\"beta_schedule\": \"squaredcos_cap_v2\"",
            "\"beta_end\": 0.03", "\"num_train_timesteps\": 4000", "\"trained_betas\": [0.1]",
        ])
    func unusable(_ field: String) throws {
        #expect(try convert("{\(field)}").1.count == 1)
    }

    @Test("a field of another kind is refused by name")
    func malformed() throws {
        let error = #expect(throws: UD2MError.self) { try convert("{\"beta_start\": \"small\"}") }
        #expect(error?.code == .modelConfig)
        #expect(error?.location.entry == "beta_start")
    }
}
