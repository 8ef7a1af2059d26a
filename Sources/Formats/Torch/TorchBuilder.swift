/// The functions by which a pickle rebuilds a tensor (`formats.md` §4, §5.3, §5.6).
enum TorchBuilder: Sendable {
    /// (storage, offset, size, stride)
    case tensorV1
    /// (storage, offset, size, stride, requires_grad, hooks[, metadata])
    case tensorV2
    /// (storage, offset, size, stride, requires_grad, hooks, dtype[, metadata])
    case tensorV3
    /// (data, requires_grad, hooks)
    case parameter
    /// (data, requires_grad, hooks, state)
    case parameterWithState
    /// (func, type, args, state)
    case fromType
    /// (storage, offset, size, stride, quantiser, requires_grad, hooks)
    case quantised
    /// (layout, data): indices and values of a layout's own form
    case sparse
    /// (buffer, sizes, strides, offsets)
    case nested
    /// (array, dtype, device, requires_grad)
    case fromNumPy
    /// Nothing to deliver, for this reason.
    case undeliverable(String)

    /// The builder of this name, by exact match.
    init?(_ global: PickleGlobal) {
        guard let builder = Self.table[global] else { return nil }
        self = builder
    }

    private static let table: [PickleGlobal: TorchBuilder] = {
        var table: [PickleGlobal: TorchBuilder] = [:]
        let utilities: [(String, TorchBuilder)] = [
            ("_rebuild_tensor", .tensorV1), ("_rebuild_tensor_v2", .tensorV2), ("_rebuild_tensor_v3", .tensorV3),
            ("_rebuild_parameter", .parameter), ("_rebuild_parameter_with_state", .parameterWithState),
            ("_rebuild_qtensor", .quantised),
            ("_rebuild_sparse_tensor", .sparse), ("_rebuild_nested_tensor", .nested),
            ("_rebuild_device_tensor_from_numpy", .fromNumPy), ("_rebuild_xla_tensor", .fromNumPy),
            ("_rebuild_device_tensor_from_cpu_tensor", .parameter),
            (
                "_rebuild_meta_tensor_no_storage",
                .undeliverable("A tensor on the meta device has no data in the file.")
            ),
            ("_rebuild_wrapper_subclass", .undeliverable("A wrapper subclass has no data of its own in the file.")),
        ]
        for (name, builder) in utilities {
            table[PickleGlobal(module: "torch._utils", name: name)] = builder
        }
        for module in ["torch._tensor", "torch.tensor"] {
            for name in ["_rebuild_from_type", "_rebuild_from_type_v2"] {
                table[PickleGlobal(module: module, name: name)] = .fromType
            }
        }
        table[PickleGlobal(module: "torch.storage", name: "_load_from_bytes")] = .undeliverable(
            "A torch stream inside the pickle is not opened.")
        return table
    }()
}
