import ArgumentParser
import UD2MFormats
import UD2MLoRA

/// Flags of every command that writes an adapter.
struct AdapterOutputFlags: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: "Where to: a .safetensors file, or a folder for PEFT; may be left out with --dry-run.")
    var output: String?

    @Flag(name: .customLong("dry-run"), help: "Compute and check everything, and write nothing.")
    var dryRun = false

    @Flag(help: "Replace an existing output.")
    var force = false

    func validate() throws {
        guard dryRun || output != nil else { throw ValidationError("Name the output with -o, or pass --dry-run.") }
    }

    /// The convention of the result: what is asked for, else PEFT's for a folder and `standard` for a file.
    /// - Throws: a usage error when the output cannot be of it.
    func convention(_ asked: AdapterConvention?, standard: AdapterConvention) throws -> AdapterConvention {
        let isFile = output.map { $0.hasSuffix(".safetensors") } ?? (asked != .peft)
        let convention = asked ?? (isFile ? (standard == .peft ? .kohya : standard) : .peft)
        guard output == nil || isFile == (convention != .peft) else {
            throw ValidationError(
                isFile
                    ? "PEFT's form is a folder; name one."
                    : "Name the output .safetensors; only PEFT's form is a folder.")
        }
        return convention
    }

    /// Writes the files, which appear together; with `--dry-run` only their sizes are computed.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func write(_ conversion: AdapterConversion, inputs: [String]) throws -> [AdapterFileReport] {
        try AdapterFiles(path: output, dryRun: dryRun, overwrite: force).write(conversion, inputs: inputs)
    }
}

/// The files of an adapter that is to be written.
struct AdapterFiles {
    /// The file, or PEFT's folder; nil where only sizes are asked for.
    let path: String?
    let dryRun: Bool
    let overwrite: Bool

    /// Writes the files, which appear together; in a dry run only their sizes are computed.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func write(_ conversion: AdapterConversion, inputs: [String]) throws -> [AdapterFileReport] {
        let isFolder = conversion.configuration != nil
        let folder = path.map { $0.hasSuffix("/") ? $0 : $0 + "/" } ?? ""
        let tensorPath = isFolder ? folder + "adapter_model.safetensors" : path ?? ""
        let configurationPath = folder + "adapter_config.json"
        let text = try conversion.configuration.map { Array((try $0.canonicalText() + "\n").utf8) }
        var files = [
            AdapterFileReport(
                path: tensorPath,
                bytes: try SafetensorsFile.plannedSize(tensors: conversion.tensors, metadata: conversion.metadata))
        ]
        if let text { files.append(.init(path: configurationPath, bytes: text.count)) }
        guard !dryRun else { return files }
        let made = isFolder ? try OutputFolder(of: tensorPath) : nil
        let tensors = try SafetensorsFile.prepare(
            to: tensorPath, tensors: conversion.tensors, metadata: conversion.metadata, overwrite: overwrite,
            inputs: inputs
        ) { _, _ in }
        if let text {
            let configuration = try AtomicFile(
                path: configurationPath, byteCount: text.count, overwrite: overwrite, inputs: inputs)
            try text.withUnsafeBytes { try configuration.write($0, at: 0) }
            try configuration.commit()
        }
        try tensors.commit()
        made?.keep()
        return files
    }
}

/// A file of an adapter that was written.
struct AdapterFileReport: Encodable {
    let path: String
    let bytes: Int
}

/// A change that a convention cannot hold.
struct AdapterLeftOut: Encodable {
    let tensor: String
    let reason: String
}

extension AdapterConversion {
    /// What was left out, for reports.
    var leftOutReports: [AdapterLeftOut] {
        leftOut.map { AdapterLeftOut(tensor: $0.target.tensorName.text, reason: $0.reason) }
    }
}

extension [AdapterFileReport] {
    /// A line a file for a person.
    func lines(written: Bool, convention: String) -> [String] {
        filter { !$0.path.isEmpty }.map {
            "\(written ? "wrote" : "would write") \($0.path.escapedForDisplay), \(ByteText.size($0.bytes)), as \(convention)"
        }
    }
}
