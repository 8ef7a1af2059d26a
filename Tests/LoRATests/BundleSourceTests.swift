import Foundation
import Testing
import UD2MFormats
import UD2MLoRA
import UD2MTestSupport

@Suite("what bundles are made from and belong to")
struct BundleSourceTests {
    static let names: [(String, String?, String?, String?, Bool)] = [
        ("imagenet_lora_sr_bicubic_epoch=010-5.ckpt", "imagenet", "sr", "bicubic", false),
        ("a/ckpts_RAM_ud2m_inp/lsun_BestPSNR_lora_inp_random_epoch=020-5.ckpt", "lsun", "inpaint", "random", true),
        (
            "/x/ckpts_ud2m_deblur/ffhq_lora_deblur_uniform_motion_epoch=1.ckpt", "ffhq", "deblur", "uniform_motion",
            false
        ),
        ("FFHQ_lora_phase_retrieval_fft_epoch=0-1.ckpt", "FFHQ", "phase-retrieval", "fft", false),
        ("imagenet_lora_denoise_x_epoch=1.ckpt", nil, nil, nil, false), ("last.ckpt", nil, nil, nil, false),
        ("_lora_sr_bicubic_epoch=1.ckpt", nil, nil, nil, false), ("a_lora_sr__epoch=1.ckpt", nil, nil, nil, false),
        ("a_epoch=1_lora_sr_b.ckpt", nil, nil, nil, false), ("", nil, nil, nil, false),
    ]

    @Test("names of checkpoints tell dataset, task and operator", arguments: names.indices)
    func name(_ index: Int) {
        let (path, dataset, task, word, usesRAM) = Self.names[index]
        let name = PublishedRunName(path: path)
        #expect(name?.dataset == dataset && name?.task == task && name?.operatorName == word)
        #expect(name?.usesRAM ?? false == usesRAM)
    }

    @Test("a run's numbers are taken as stored, and its copies are told")
    func run() throws {
        let file = try AdapterFile(path: AdapterFixture.path("lora/ud2m.ckpt"))
        let run = try #require(try TrainingRun(file.checkpoint, adapter: file.stateDict))
        #expect([run.scalars.sp, run.scalars.lambdaSigma, run.scalars.tAug, run.scalars.tLat].allSatisfy { $0 != nil })
        #expect(run.ram == nil)
        #expect(run.dropped.contains { $0.path == "HQS_state_dict.model.*" && $0.tensors == 20 })
        #expect(run.notes.isEmpty)
        let other = try AdapterFile(path: AdapterFixture.path("lora/kohya.safetensors"))
        #expect(try TrainingRun(other.checkpoint, adapter: other.stateDict) == nil)
    }

    static let scalars: [(TensorSource, UD2MError.Code)] = [
        (TensorSource("TAUG.0", [.nan], shape: []), .adapterNotFinite),
        (TensorSource("LambdaSIG.0", [1e5], shape: []), .bundleSettings),
        (TensorSource("SP_Param.1", [0], shape: []), .bundleSettings),
        (TensorSource("TLAT.0", [1, 2], shape: [2]), .adapterShape),
    ]

    @Test("numbers that are out of range or for each iteration are refused", arguments: scalars.indices)
    func badScalars(_ index: Int) throws {
        let (tensor, code) = Self.scalars[index]
        let state = StateDict(path: ["state_dict"], tensors: [])
        let checkpoint = Checkpoint(
            path: "run.ckpt", container: .torchZip, fileSize: 0,
            stateDicts: [state, StateDict(path: ["HQS_state_dict"], tensors: [tensor])])
        let error = thrownError { try TrainingRun(checkpoint, adapter: state) }
        #expect(error?.code == code)
        #expect(error?.location.tensor == tensor.name.text && error?.location.file == "run.ckpt")
    }

    @Test("settings: what is said first counts, and timesteps are a way of saying N")
    func drafts() throws {
        var first = BundleSettings.Draft()
        var second = BundleSettings.Draft()
        second.name = "b"
        second.task = "sr"
        second.eta = 0.5
        second.timesteps = [9, 4]
        second.scalars = HQSScalars(sp: 1, tLat: 2)
        first.name = "a"
        first.scalars.sp = -1
        let both = try BundleSettings(first.over(second))
        #expect(both.name == "a" && both.task == "sr" && both.eta == 0.5 && both.steps == 2)
        #expect(both.scalars == HQSScalars(sp: -1, tLat: 2) && both.flavour == .reference)
        first.steps = 4
        let other = try BundleSettings(first.over(second))
        #expect(other.steps == 4 && other.timesteps == nil && other.iterations == 3)
        second.steps = 2
        first.steps = nil
        first.timesteps = [3]
        #expect(try BundleSettings(first.over(second)).steps == 1)
        first.task = nil
        first.timesteps = [3]
        first.steps = 2
        #expect(thrownError { try BundleSettings(first.over(second)) }?.code == .bundleSettings)
        #expect(thrownError { try BundleSettings(BundleSettings.Draft()) }?.code == .bundleSettings)
    }

    @Test(
        "settings files are read strictly",
        arguments: [
            #"{"stesp": 3}"#, #"{"scalars": {"lambda": 1}}"#, "[]", #"{"steps": 3.5}"#, #"{"sigma": -1}"#, "",
            #"{"task": "Deblur"}"#, #"{"operator": {"version": 1}}"#,
            #"{"operator": {"version": 1, "task": "sr", "sigma": 1}}"#,
        ])
    func settingsFile(_ text: String) throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("s.json")
        try Data(text.utf8).write(to: URL(filePath: path))
        let error = thrownError { try BundleSettings.Draft(path: path) }
        #expect(error != nil && error?.location.file == path)
        #expect(text.isEmpty || error?.code == .bundleSettings)
    }

    @Test("a base is found by its content id, beside the bundle first; the registry tells what is broken")
    func search() throws {
        let (home, elsewhere) = (try TemporaryDirectory(), try TemporaryDirectory())
        let tensors = try BundleFixture.tensors("lora/base.safetensors")
        let store = try BundleFixture.store(tensors, to: elsewhere.path("base.ud2w"))
        let bundle = try BundleFixture.bundle(
            AdapterFixture.adapter("lora/kohya.safetensors"), store, to: home.path("b.ud2w"))
        let record = bundle.manifest.base
        let alone = BaseLocator(bundle: bundle.path, searchPath: nil)
        #expect(alone.store(contentID: record.contentID) == nil)
        #expect(thrownError { try alone.store(of: record) }?.code == .bundleBaseMissing)
        #expect(try alone.store(of: record, named: store.path).path == store.path)
        let wide = BaseLocator(bundle: bundle.path, searchPath: "/no/such/folder::\(elsewhere.path(""))")
        #expect(try wide.store(of: record).contentID == store.contentID)

        // A file that only claims the id, and one that is no store, are passed over.
        try SafetensorsFile.write(
            to: home.path("claim.ud2w"), tensors: [TensorInput(name: "a", shape: [1], floats: [1])],
            metadata: [StoreMetadata.Key.content: record.contentID, StoreMetadata.Key.version: "1"])
        try Data("no store".utf8).write(to: URL(filePath: home.path("text.ud2w")))
        #expect(alone.store(contentID: record.contentID) == nil)
        let other = try BundleFixture.store(
            tensors.map { TensorSource($0.name.text, [Float](repeating: 1, count: $0.elementCount), shape: $0.shape) },
            to: home.path("other.ud2w"))
        let error = thrownError { try alone.store(of: record, named: other.path) }
        #expect(error?.code == .bundleBaseOther && error?.location.file == other.path)
        #expect(try other.shapeSignature() == record.signature)

        let registry = try BundleRegistry(folder: home.path(""), searchPath: elsewhere.path(""))
        var failed: [String] = []
        var found: [String?] = []
        for item in registry.items {
            switch item {
            case .bundle(_, let base): found.append(base?.contentID)
            case .failed(let path, _): failed.append(path)
            }
        }
        #expect(found == [store.contentID])
        #expect(failed.map { URL(filePath: $0).lastPathComponent } == ["claim.ud2w", "text.ud2w"])
        #expect(thrownError { try BundleRegistry(folder: home.path("none"), searchPath: nil) }?.code == .fileMissing)
    }
}
