// One code for each rule of `formats.md` §8.1.
extension UD2MError.Code {
    /// The file is too short for the header's length.
    public static let safetensorsTruncated = Self("safetensors-truncated", .badData)
    /// The header claims more than the limit.
    public static let safetensorsHeaderTooLarge = Self("safetensors-header-too-large", .badData)
    /// The header claims to end outside the file.
    public static let safetensorsHeaderOutside = Self("safetensors-header-outside", .badData)
    /// The header does not start with `{`.
    public static let safetensorsHeaderStart = Self("safetensors-header-start", .badData)
    /// Something other than whitespace follows the header's object.
    public static let safetensorsHeaderTrailing = Self("safetensors-header-trailing", .badData)
    /// Two tensors have the same name.
    public static let safetensorsDuplicateTensor = Self("safetensors-duplicate-tensor", .badData)
    /// `__metadata__` or one of its keys occurs twice.
    public static let safetensorsDuplicateMetadata = Self("safetensors-duplicate-metadata", .badData)
    /// A metadata value is not text.
    public static let safetensorsMetadataValue = Self("safetensors-metadata-value", .badData)
    /// An entry has a field that the format does not know (strict reading only).
    public static let safetensorsUnknownField = Self("safetensors-unknown-field", .badData)
    /// An entry has a field twice.
    public static let safetensorsDuplicateField = Self("safetensors-duplicate-field", .badData)
    /// An entry lacks `dtype`, `shape` or `data_offsets`.
    public static let safetensorsMissingField = Self("safetensors-missing-field", .badData)
    /// `dtype` is not one the format knows.
    public static let safetensorsElementType = Self("safetensors-element-type", .badData)
    /// A size or an offset does not fit a signed 64-bit integer.
    public static let safetensorsNumber = Self("safetensors-number", .badData)
    /// `data_offsets` is not a pair begin ≤ end.
    public static let safetensorsOffsets = Self("safetensors-offsets", .badData)
    /// The range's length is not what type and shape need.
    public static let safetensorsSize = Self("safetensors-size", .badData)
    /// Packed elements do not fill whole bytes.
    public static let safetensorsPartialByte = Self("safetensors-partial-byte", .badData)
    /// Bytes between tensors belong to none.
    public static let safetensorsHole = Self("safetensors-hole", .badData)
    /// Two tensors share bytes.
    public static let safetensorsOverlap = Self("safetensors-overlap", .badData)
    /// A tensor's data end outside the file.
    public static let safetensorsDataOutside = Self("safetensors-data-outside", .badData)
    /// Bytes after the last tensor belong to none.
    public static let safetensorsDataTrailing = Self("safetensors-data-trailing", .badData)
    /// Too many tensors, metadata pairs or dimensions, or a name too long.
    public static let safetensorsLimit = Self("safetensors-limit", .badData)
}
