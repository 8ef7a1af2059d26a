#pragma once
#include <cstdint>
#include <string>

namespace testdriver {

/// Types of PTX (ISA section 5.2), with the packed and alternate ones of the instructions that are known.
enum class Type : uint8_t {
    none,
    pred,
    b8,
    u8,
    s8,
    b16,
    u16,
    s16,
    f16,
    bf16,
    b32,
    u32,
    s32,
    f32,
    f16x2,
    bf16x2,
    tf32,
    b64,
    u64,
    s64,
    f64
};

inline Type type_named(const std::string &name) {
    static const struct {
        const char *name;
        Type type;
    } all[] = {{"pred", Type::pred}, {"b8", Type::b8},       {"u8", Type::u8},         {"s8", Type::s8},
               {"b16", Type::b16},   {"u16", Type::u16},     {"s16", Type::s16},       {"f16", Type::f16},
               {"bf16", Type::bf16}, {"b32", Type::b32},     {"u32", Type::u32},       {"s32", Type::s32},
               {"f32", Type::f32},   {"f16x2", Type::f16x2}, {"bf16x2", Type::bf16x2}, {"tf32", Type::tf32},
               {"b64", Type::b64},   {"u64", Type::u64},     {"s64", Type::s64},       {"f64", Type::f64}};
    for (auto &each : all)
        if (name == each.name)
            return each.type;
    return Type::none;
}

/// Bytes of a value; 0 for predicates.
inline unsigned width_of(Type type) {
    if (type <= Type::pred)
        return 0;
    if (type <= Type::s8)
        return 1;
    if (type <= Type::bf16)
        return 2;
    return type <= Type::tf32 ? 4 : 8;
}

inline bool is_signed(Type type) {
    return type == Type::s8 || type == Type::s16 || type == Type::s32 || type == Type::s64;
}

inline bool is_float(Type type) {
    return type == Type::f16 || type == Type::bf16 || type == Type::f32 || type == Type::f16x2 ||
           type == Type::bf16x2 || type == Type::tf32 || type == Type::f64;
}

} // namespace testdriver
