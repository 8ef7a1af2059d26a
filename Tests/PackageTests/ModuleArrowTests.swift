import Foundation
import Testing
import UD2MTestSupport

/// The package's modules depend on each other as `docs/architecture.md` says, in the manifest and in the sources.
@Suite struct ModuleArrowTests {
    @Test func everyTargetIsInTheTable() throws {
        let package = try PackageDescription.load()
        let targets = package.targets.filter { ["regular", "executable"].contains($0.type) }
            .filter { !ModuleTable.testOnly.contains($0.name) }
        #expect(targets.count >= 9)
        for target in targets {
            let module = try #require(ModuleTable.modules[target.name], "\(target.name) is not in the table")
            #expect(target.path == "Sources/\(module.folder)")
            for dependency in target.dependencies {
                #expect(module.mayUse.contains(dependency.name), "\(target.name) must not use \(dependency.name)")
            }
        }
    }

    @Test func onlyTestsUseTestCode() throws {
        for target in try PackageDescription.load().targets
        where target.type != "test" && !ModuleTable.testOnly.contains(target.name) {
            let used = ModuleTable.testOnly.intersection(target.dependencies.map(\.name))
            #expect(used.isEmpty, "\(target.name) must not use \(used)")
        }
    }

    @Test func whatATargetReachesIsAllowed() throws {
        let package = try PackageDescription.load()
        let direct = Dictionary(uniqueKeysWithValues: package.targets.map { ($0.name, $0.dependencies.map(\.name)) })
        func reached(from name: String) -> Set<String> {
            (direct[name] ?? []).reduce(into: []) { $0.formUnion(reached(from: $1).union([$1])) }
        }
        #expect(reached(from: "ud2m").isSuperset(of: ["UD2MCommands", "UD2MFormats", "CZlib"]))
        let runtime: Set<String> = ["UD2MRuntime", "UD2MSampler", "UD2MCommands"]
        #expect(reached(from: "UD2MConvert").isDisjoint(with: runtime))
        #expect(reached(from: "UD2MLoRA").isDisjoint(with: runtime))
        #expect(reached(from: "UD2MRuntime").isDisjoint(with: ["UD2MConvert", "UD2MLoRA", "UD2MImaging"]))
        #expect(!reached(from: "UD2MImaging").contains { $0.hasPrefix("UD2M") })
        for name in ["UD2MFormats", "UD2MConvert", "UD2MLoRA", "UD2MRuntime", "UD2MSampler", "UD2MImaging"] {
            #expect(reached(from: name).isDisjoint(with: ["ArgumentParser", "Logging"]), "\(name)")
        }
    }

    @Test func importsFollowTheTable() throws {
        let files = try SourceFile.all().filter { $0.path.hasSuffix(".swift") }
        #expect(!files.isEmpty)
        for file in files {
            let module = try #require(
                ModuleTable.modules.values.filter { file.folder == $0.folder || file.folder.hasPrefix($0.folder + "/") }
                    .first, "\(file.path) is in no module's folder")
            for name in file.imports {
                let isAllowed = module.mayUse.contains(name) || ModuleTable.toolchain.contains(name)
                #expect(isAllowed, "\(file.path) must not import \(name)")
                if let folders = ModuleTable.restricted[name] {
                    #expect(folders.contains(module.folder), "\(file.path) must not import \(name)")
                }
            }
        }
    }

    @Test func importsAreFound() {
        let lines = [
            "import A", "  import B", "package import C", "@preconcurrency import D", "import struct E.F",
            "// import G",
            "let text = \"import H\"", "@_exported public import I // why", "import\tJ", "imports K",
        ]
        #expect(lines.compactMap(SourceFile.imported) == ["A", "B", "C", "D", "E", "I", "J"])
    }
}
