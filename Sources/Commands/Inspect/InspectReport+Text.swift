import UD2MFormats

extension InspectReport {
    /// The report as lines for a person, with one for each tensor if asked for.
    func text(listsTensors: Bool) -> String {
        var lines = [
            "\(path.escapedForDisplay): \(container), \(ByteText.size(bytes)), \(totals.tensors) tensors"
        ]
        lines.append("  \(architecture?.text ?? unrecognised?.escapedForDisplay ?? "")")
        if let evidence = architecture?.evidence { lines += evidence.map { "    \($0)" } }
        if let remedy { lines.append("    what to do: \(remedy.escapedForDisplay)") }
        if let closest { lines.append("    closest known network: \(closest.text)") }
        lines += mismatches.map { "    differs: \($0.text.escapedForDisplay)" }
        if mismatchCount > mismatches.count { lines.append("    and \(mismatchCount - mismatches.count) more") }
        if let selection {
            let prefix = selection.prefix.isEmpty ? "" : ", without the prefix \(selection.prefix.escapedForDisplay)"
            lines.append(
                "  state dict \(Self.display(selection.path)): \(selection.totals.tensors) tensors, "
                    + "\(ByteText.grouped(selection.totals.elements)) elements, "
                    + "\(ByteText.size(selection.totals.bytes)), \(selection.totals.typeText)\(prefix)")
        }
        if let selection, selection.isOpen {
            lines.append("  the choice is open: other commands want --select with one of these")
            lines += CandidateReport.table(selection.candidates).map { "    " + $0 }
        }
        for state in stateDicts.filter({ $0.path != selection?.path }).prefix(20) {
            lines.append(
                "  also \(Self.display(state.path)): \(state.totals.tensors) tensors, "
                    + "\(ByteText.size(state.totals.bytes)), \(state.totals.typeText)")
        }
        if stateDicts.count > 21 { lines.append("  and \(stateDicts.count - 21) further state dicts") }
        if !looseTensors.isEmpty {
            let shown = looseTensors.prefix(5).map(Self.display).joined(separator: ", ")
            lines.append(
                "  also \(looseTensors.count) tensors in no state dict: \(shown)"
                    + (looseTensors.count > 5 ? " and \(looseTensors.count - 5) more; --all lists them" : ""))
        }
        lines += sparse.lines.map { "  " + $0 }
        if let contentID { lines.append("  content \(contentID)") }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }).prefix(40) {
            let shown = value.utf8.count <= 100 ? value : String(value.prefix(97)) + "…"
            lines.append("  \(key.escapedForDisplay): \(shown.escapedForDisplay)")
        }
        lines += remarks.map { "  note: \($0.escapedForDisplay)" }
        if !findings.list.isEmpty {
            lines.append(
                "  pickle: \(findings.dangerous) dangerous, \(findings.suspicious) suspicious, \(findings.notes) notes"
                    + (findings.dangerous + findings.suspicious > 0 ? "; see ud2m-convert scan" : ""))
        }
        if !skipped.isEmpty {
            lines.append("  \(skipped.count) tensors cannot be delivered:")
            lines += skipped.prefix(listsTensors ? .max : 5).map { item in
                "    \(Self.display(item.path)): \(item.reason.escapedForDisplay)"
            }
        }
        return (lines + (listsTensors ? tensorLines : [])).joined(separator: "\n")
    }

    private var tensorLines: [String] {
        var table = TextTable([.left, .left, .right, .left])
        for tensor in tensors {
            let name = tensor.name?.escapedForDisplay ?? "[\(Self.display(tensor.path))]"
            table.add(name, tensor.dtype, tensor.shape.shapeText, tensor.sha256 ?? "")
        }
        return table.lines.map { line in
            var line = line[...]
            while line.last == " " { line.removeLast() }
            return "  " + line
        }
    }

    /// A path for a person; programs read the JSON, where components are apart.
    private static func display(_ path: [String]) -> String {
        path.isEmpty ? "(root)" : path.joined(separator: ".").escapedForDisplay
    }
}
