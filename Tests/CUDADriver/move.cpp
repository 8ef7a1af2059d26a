// mov, with packing and unpacking of vectors (ISA section 9.7.8.2, 9.7.8.3), and conversion of addresses.
#include "families.h"
#include "lanes.h"

LANES_BEGIN
namespace testdriver {
namespace {

struct Same {
    template <class T> static T apply(T a) { return a; }
};

void run_predicate_move(Warp &warp, const Instruction &i, uint32_t mask) {
    uint32_t value = i.a ? uint32_t(i.immediate) : warp.predicate(i.o[1]);
    if (i.b)
        value = ~value;
    uint32_t &to = warp.predicate(i.o[0]);
    to = (to & ~mask) | (value & mask);
}

/// Several registers of type T to one of type W, the first in the lowest bits.
template <class W, class T> void run_pack(Warp &warp, const Instruction &i, uint32_t mask) {
    W result[warp_size] = {};
    for (unsigned part = 0; part < sizeof(W) / sizeof(T); part++) {
        const Lanes<T> *from = warp.lanes<T>(i.o[1 + part]);
        for (unsigned lane = 0; lane < warp_size; lane++)
            result[lane] |= W(W(from[lane]) << part * 8 * sizeof(T));
    }
    put<W>(warp, i.o[0], mask, result);
}
template <class W, class T> void run_unpack(Warp &warp, const Instruction &i, uint32_t mask) {
    constexpr unsigned parts = sizeof(W) / sizeof(T);
    W from[warp_size];
    memcpy(from, warp.registers + i.o[parts], sizeof from);
    for (unsigned part = 0; part < parts; part++) {
        T result[warp_size];
        for (unsigned lane = 0; lane < warp_size; lane++)
            result[lane] = T(from[lane] >> part * 8 * sizeof(T));
        put<T>(warp, i.o[part], mask, result);
    }
}

struct Offset {
    static uint64_t apply(uint64_t address, uint64_t by) { return address + by; }
};

} // namespace
} // namespace testdriver
LANES_END

namespace testdriver {

static void decode_vector_move(Decoding &d, Type type) {
    bool pack = d.operand(1).kind == Operand::vector;
    auto &elements = d.operand(pack ? 1 : 0).elements;
    unsigned parts = unsigned(elements.size()), width = width_of(type);
    if (parts != 2 && parts != 4)
        d.fail("a vector of another size");
    unsigned part = width / parts;
    Type small = part == 4 ? Type::b32 : part == 2 ? Type::b16 : Type::none;
    if (small == Type::none || parts * part != width)
        d.fail("a vector of another size");
    for (unsigned i = 0; i < parts; i++) {
        if (pack)
            d.result.o[1 + i] = d.source(elements[i], small);
        else
            d.result.o[i] = d.destination(elements[i], small);
    }
    if (pack)
        d.result.o[0] = d.destination(0, type);
    else
        d.result.o[parts] = d.source(1, type);
    if (width == 4 && parts == 2)
        d.result.run = pack ? run_pack<uint32_t, uint16_t> : run_unpack<uint32_t, uint16_t>;
    if (width == 8 && parts == 2)
        d.result.run = pack ? run_pack<uint64_t, uint32_t> : run_unpack<uint64_t, uint32_t>;
    if (width == 8 && parts == 4)
        d.result.run = pack ? run_pack<uint64_t, uint16_t> : run_unpack<uint64_t, uint16_t>;
}

static Run copy_of(Type type) {
    switch (width_of(type)) {
    case 2:
        return run_unary<uint16_t, uint16_t, Same>;
    case 4:
        return run_unary<uint32_t, uint32_t, Same>;
    case 8:
        return run_unary<uint64_t, uint64_t, Same>;
    default:
        return nullptr;
    }
}

bool decode_move(Decoding &d) {
    const std::string &name = d.statement.opcode[0];
    if (name == "mov") {
        Type type = d.take_type();
        d.operands(2);
        if (type == Type::pred) {
            d.result.o[0] = d.predicate(0);
            if (d.operand(1).kind == Operand::number) {
                d.result.a = 1;
                d.result.immediate = d.number(1) ? -1 : 0;
            } else {
                bool negated = false;
                d.result.o[1] = d.predicate(1, &negated);
                d.result.b = negated;
            }
            d.result.run = run_predicate_move;
        } else if (d.operand(0).kind == Operand::vector || d.operand(1).kind == Operand::vector) {
            decode_vector_move(d, type);
        } else {
            d.result.o[0] = d.destination(0, type);
            d.result.o[1] = d.source(1, type);
            d.result.run = copy_of(type);
        }
        return true;
    }
    if (name == "cvta") {
        bool back = d.take("to");
        uint64_t window = 0;
        if (d.take("shared"))
            window = shared_window;
        else if (d.take("local"))
            window = local_window;
        else if (!d.take("global") && !d.take("const"))
            d.fail("this space is not known here");
        d.need("u64");
        d.operands(2);
        d.result.o[0] = d.destination(0, Type::u64);
        d.result.o[1] = d.source(1, Type::u64);
        d.result.o[2] = d.builder.constant(back ? 0 - window : window, 8);
        d.result.run = run_binary<uint64_t, uint64_t, uint64_t, Offset>;
        return true;
    }
    return false;
}

} // namespace testdriver
