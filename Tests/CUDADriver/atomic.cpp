// atom and red (ISA sections 9.7.12.4 and 9.7.12.5): lane after lane.
#include "address.h"
#include "families.h"
#include "floats.h"
#include "lanes.h"

LANES_BEGIN
namespace testdriver {
namespace {

enum Operation : uint8_t {
    add,
    minimum,
    maximum,
    exchange,
    compare_and_swap,
    bit_and,
    bit_or,
    bit_xor,
    increment,
    decrement
};

template <class T> T combined(uint8_t operation, T old, T value, T other) {
    switch (operation) {
    case add:
        return T(old + value);
    case minimum:
        return value < old ? value : old;
    case maximum:
        return old < value ? value : old;
    case exchange:
        return value;
    case compare_and_swap:
        return old == value ? other : old;
    default:
        break;
    }
    if constexpr (std::is_integral_v<T>) {
        switch (operation) {
        case bit_and:
            return old & value;
        case bit_or:
            return old | value;
        case bit_xor:
            return old ^ value;
        case increment:
            return old >= value ? T(0) : T(old + 1);
        case decrement:
            return old == 0 || old > value ? value : T(old - 1);
        }
    }
    return old;
}

/// Two sums of 16-bit floats.
template <class Kind> struct PairSum {
    static uint32_t apply(uint32_t a, uint32_t b) {
        uint16_t low = Kind::rounded(Kind::value(uint16_t(a)) + Kind::value(uint16_t(b)));
        return low | uint32_t(Kind::rounded(Kind::value(uint16_t(a >> 16)) + Kind::value(uint16_t(b >> 16)))) << 16;
    }
};

/// c: the operation; o[0]: the old value; o[1], o[2]: operands; count: whether there is a result.
template <class T> void run_atomic(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<T> *values = warp.lanes<T>(i.o[1]), *others = warp.lanes<T>(i.o[2]);
    const uint8_t *base = warp.registers + i.o[15];
    T result[warp_size] = {};
    for (unsigned lane = 0; lane < warp_size; lane++) {
        if (!(mask >> lane & 1))
            continue;
        uint64_t addresses[warp_size], register_value = 0;
        memcpy(&register_value, base + lane * i.a, i.a);
        addresses[lane] = register_value + uint64_t(i.immediate);
        uint8_t *pointers[warp_size];
        resolve(warp, Space(i.b), addresses, 1u << lane, sizeof(T), Access::update, pointers);
        std::lock_guard<std::mutex> lock(warp.block->launch->atomics);
        T old;
        memcpy(&old, pointers[lane], sizeof(T));
        T changed = combined<T>(i.c, old, values[lane], others[lane]);
        memcpy(pointers[lane], &changed, sizeof(T));
        result[lane] = old;
    }
    if (i.count)
        put<T>(warp, i.o[0], mask, result);
}
template <class Kind> void run_pair_add(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<uint32_t> *values = warp.lanes<uint32_t>(i.o[1]);
    const uint8_t *base = warp.registers + i.o[15];
    uint32_t result[warp_size] = {};
    for (unsigned lane = 0; lane < warp_size; lane++) {
        if (!(mask >> lane & 1))
            continue;
        uint64_t addresses[warp_size], register_value = 0;
        memcpy(&register_value, base + lane * i.a, i.a);
        addresses[lane] = register_value + uint64_t(i.immediate);
        uint8_t *pointers[warp_size];
        resolve(warp, Space(i.b), addresses, 1u << lane, 4, Access::update, pointers);
        std::lock_guard<std::mutex> lock(warp.block->launch->atomics);
        memcpy(&result[lane], pointers[lane], 4);
        uint32_t changed = PairSum<Kind>::apply(result[lane], values[lane]);
        memcpy(pointers[lane], &changed, 4);
    }
    if (i.count)
        put<uint32_t>(warp, i.o[0], mask, result);
}

Run atomic(Type type) {
    switch (type) {
    case Type::u32:
    case Type::b32:
        return run_atomic<uint32_t>;
    case Type::s32:
        return run_atomic<int32_t>;
    case Type::u64:
    case Type::b64:
        return run_atomic<uint64_t>;
    case Type::s64:
        return run_atomic<int64_t>;
    case Type::f32:
        return run_atomic<float>;
    case Type::f64:
        return run_atomic<double>;
    case Type::f16x2:
        return run_pair_add<Half>;
    default:
        return nullptr;
    }
}

} // namespace
} // namespace testdriver
LANES_END

namespace testdriver {

bool decode_atomic(Decoding &d) {
    const std::string &name = d.statement.opcode[0];
    if (name != "atom" && name != "red")
        return false;
    bool result = name == "atom";
    take_hints(d);
    Space space = take_space(d);
    static const struct {
        const char *name;
        Operation operation;
    } known[] = {{"add", add},     {"min", minimum}, {"max", maximum}, {"exch", exchange}, {"cas", compare_and_swap},
                 {"and", bit_and}, {"or", bit_or},   {"xor", bit_xor}, {"inc", increment}, {"dec", decrement}};
    bool found = false;
    for (auto &each : known)
        if (d.take(each.name)) {
            d.result.c = each.operation;
            found = true;
        }
    if (!found)
        d.fail("this operation is not known");
    if (d.take("noftz") && d.result.c != add)
        d.fail("this form is not known");
    Type type = d.take_type();
    if (is_float(type) && d.result.c != add)
        d.fail("this form is not known");
    unsigned sources = d.result.c == compare_and_swap ? 2 : 1, first = result ? 1 : 0;
    d.operands(first + 1 + sources);
    decode_address(d, d.operand(first), space);
    if (d.result.a == 0) {
        d.result.o[15] = d.builder.constant(uint64_t(d.result.immediate), 8);
        d.result.immediate = 0;
        d.result.a = 8;
    }
    if (result)
        d.result.o[0] = d.destination(0, type);
    for (unsigned i = 1; i <= 2; i++)
        d.result.o[i] = d.source(first + (i <= sources ? i : sources), type);
    d.result.count = result;
    d.result.run = atomic(type);
    return true;
}

} // namespace testdriver
