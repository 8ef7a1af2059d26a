// ld and st (ISA sections 9.7.8.8 to 9.7.8.13) and instructions that only advise the cache.
#include "address.h"
#include "families.h"
#include "lanes.h"

LANES_BEGIN
namespace testdriver {
namespace {

/// o[15]: the register of the address; a: how wide it is, 0 for none; b: the space.
void addresses_of(Warp &warp, const Instruction &i, uint64_t *addresses) {
    if (i.a == 8) {
        const Lanes<uint64_t> *base = warp.lanes<uint64_t>(i.o[15]);
        for (unsigned lane = 0; lane < warp_size; lane++)
            addresses[lane] = base[lane] + uint64_t(i.immediate);
    } else if (i.a == 4) {
        const Lanes<uint32_t> *base = warp.lanes<uint32_t>(i.o[15]);
        for (unsigned lane = 0; lane < warp_size; lane++)
            addresses[lane] = uint32_t(base[lane] + uint32_t(i.immediate));
    } else {
        for (unsigned lane = 0; lane < warp_size; lane++)
            addresses[lane] = uint64_t(i.immediate);
    }
}

/// Values of type T to registers of type R.
template <class T, class R> void run_load(Warp &warp, const Instruction &i, uint32_t mask) {
    uint64_t addresses[warp_size];
    uint8_t *from[warp_size];
    addresses_of(warp, i, addresses);
    resolve(warp, Space(i.b), addresses, mask, sizeof(T) * i.count, Access::read, from);
    for (unsigned element = 0; element < i.count; element++) {
        R result[warp_size] = {};
        for (unsigned lane = 0; lane < warp_size; lane++) {
            if (!(mask >> lane & 1))
                continue;
            T value;
            memcpy(&value, from[lane] + element * sizeof(T), sizeof(T));
            result[lane] = R(value);
        }
        put<R>(warp, i.o[element], mask, result);
    }
}

template <class T, class R> void run_store(Warp &warp, const Instruction &i, uint32_t mask) {
    uint64_t addresses[warp_size];
    uint8_t *to[warp_size];
    addresses_of(warp, i, addresses);
    resolve(warp, Space(i.b), addresses, mask, sizeof(T) * i.count, Access::write, to);
    for (unsigned element = 0; element < i.count; element++) {
        const Lanes<R> *values = warp.lanes<R>(i.o[element]);
        for (unsigned lane = 0; lane < warp_size; lane++) {
            if (!(mask >> lane & 1))
                continue;
            T value = T(values[lane]);
            memcpy(to[lane] + element * sizeof(T), &value, sizeof(T));
        }
    }
}

void run_nothing(Warp &, const Instruction &, uint32_t) {}

template <class T> Run load_to(unsigned width) {
    constexpr unsigned own = sizeof(T);
    if (width == 2 && own <= 2)
        return run_load<T, uint16_t>;
    if constexpr (std::is_signed_v<T>) {
        if (width == 2)
            return own <= 2 ? Run(run_load<T, int16_t>) : nullptr;
        return width == 4 ? Run(run_load<T, int32_t>) : Run(run_load<T, int64_t>);
    }
    return width == 4 ? Run(run_load<T, uint32_t>) : width == 8 ? Run(run_load<T, uint64_t>) : nullptr;
}
template <class T> Run store_from(unsigned width) {
    return width == 2   ? Run(run_store<T, uint16_t>)
           : width == 4 ? Run(run_store<T, uint32_t>)
                        : Run(run_store<T, uint64_t>);
}

Run load(Type type, unsigned width) {
    switch (type) {
    case Type::s8:
        return load_to<int8_t>(width);
    case Type::s16:
        return load_to<int16_t>(width);
    case Type::s32:
        return load_to<int32_t>(width);
    default:
        switch (width_of(type)) {
        case 1:
            return load_to<uint8_t>(width);
        case 2:
            return load_to<uint16_t>(width);
        case 4:
            return load_to<uint32_t>(width);
        default:
            return load_to<uint64_t>(width);
        }
    }
}
Run store(Type type, unsigned width) {
    switch (width_of(type)) {
    case 1:
        return store_from<uint8_t>(width);
    case 2:
        return store_from<uint16_t>(width);
    case 4:
        return store_from<uint32_t>(width);
    default:
        return store_from<uint64_t>(width);
    }
}

} // namespace
} // namespace testdriver
LANES_END

namespace testdriver {

void decode_address(Decoding &d, const Operand &at, Space space) {
    Instruction &r = d.result;
    if (at.kind != Operand::address)
        d.fail("an address is missing");
    r.immediate = int64_t(at.bits);
    r.b = uint8_t(space);
    r.a = 0;
    if (at.has_register) {
        unsigned width = width_of(at.reg.type);
        bool small = space == Space::shared || space == Space::local || space == Space::parameter;
        if (at.reg.type == Type::pred || (width != 8 && !(width == 4 && small)))
            d.fail("an address of another width");
        r.a = uint8_t(width);
        r.o[15] = at.reg.offset;
    }
    if (at.has_symbol) {
        static const Symbol::Kind kinds[] = {Symbol::global, Symbol::global, Symbol::shared, Symbol::local,
                                             Symbol::parameter};
        if (at.symbol_value.kind != kinds[unsigned(space)])
            d.fail("a variable of another space");
        r.immediate += int64_t(at.symbol_value.value);
    }
}

Space take_space(Decoding &d) {
    if (d.take("global") || d.take("const"))
        return Space::global;
    if (d.take("shared") || d.take("shared::cta"))
        return Space::shared;
    if (d.take("local"))
        return Space::local;
    if (d.take("param"))
        return Space::parameter;
    return Space::generic;
}

/// Hints and orders that make no difference where warps run one after the other.
void take_hints(Decoding &d) {
    static const char *const hints[] = {"volatile",
                                        "weak",
                                        "relaxed",
                                        "acquire",
                                        "release",
                                        "acq_rel",
                                        "cta",
                                        "gpu",
                                        "sys",
                                        "ca",
                                        "cg",
                                        "cs",
                                        "cv",
                                        "lu",
                                        "wb",
                                        "wt",
                                        "nc",
                                        "L1::evict_normal",
                                        "L1::evict_unchanged",
                                        "L1::evict_first",
                                        "L1::evict_last",
                                        "L1::no_allocate",
                                        "L2::64B",
                                        "L2::128B",
                                        "L2::256B"};
    for (auto each : hints)
        d.take(each);
}

bool decode_memory(Decoding &d) {
    const std::string &name = d.statement.opcode[0];
    if (name == "prefetch" || name == "prefetchu" || name == "discard") {
        while (d.has_modifiers())
            d.take_any();
        d.result.run = run_nothing;
        return true;
    }
    if (name != "ld" && name != "st" && name != "ldu")
        return false;
    bool is_load = name != "st";
    take_hints(d);
    Space space = take_space(d);
    unsigned count = d.take("v2") ? 2 : d.take("v4") ? 4 : 1;
    Type type = d.take_type();
    if (type == Type::pred || width_of(type) * count > 16)
        d.fail("this type is not known here");
    d.operands(2);
    const Operand &address = d.operand(is_load ? 1 : 0), &value = d.operand(is_load ? 0 : 1);
    // Parameters of calls are variables of local memory.
    if (space == Space::parameter && address.has_symbol && address.symbol_value.kind == Symbol::local)
        space = Space::local;
    if (space == Space::parameter && !is_load)
        d.fail("parameters of kernels are constant");
    decode_address(d, address, space);
    if ((count > 1) != (value.kind == Operand::vector) || (count > 1 && value.elements.size() != count))
        d.fail("the vector has another number of elements");
    d.result.count = uint8_t(count);
    unsigned width = 0;
    for (unsigned i = 0; i < count; i++) {
        const Operand &element = count > 1 ? value.elements[i] : value;
        unsigned own = width_of(type) < 2 ? 2 : width_of(type);
        if (element.kind == Operand::in_register) {
            own = width_of(element.reg.type);
            if (element.reg.type == Type::pred || own < width_of(type))
                d.fail("a register that is too small for its type");
            d.result.o[i] = element.reg.offset;
        } else if (is_load) {
            d.result.o[i] = d.destination(element, own == 2 ? Type::b16 : type);
        } else {
            d.result.o[i] = d.source(element, own == 2 ? Type::b16 : type);
        }
        if (width && own != width)
            d.fail("registers of several widths");
        width = own;
    }
    d.result.run = is_load ? load(type, width) : store(type, width);
    return true;
}

} // namespace testdriver
