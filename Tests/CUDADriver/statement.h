#pragma once
#include "program.h"

namespace testdriver {

struct Register {
    Type type = Type::none;
    uint32_t offset = 0;
};

/// What a name that is no register stands for.
struct Symbol {
    enum Kind : uint8_t { shared, local, parameter, global, table } kind = shared;
    uint64_t value = 0;
};

struct Operand {
    enum Kind : uint8_t {
        none,
        in_register,
        special,
        number,
        float_number,
        double_number,
        symbol,
        address,
        vector,
        sink
    } kind = none;
    Register reg;
    /// Of a predicate with "!".
    bool negated = false;
    /// Of numbers, and of symbols and addresses the offset that is added.
    uint64_t bits = 0;
    Symbol symbol_value;
    /// Of an address: whether its base is `reg`, `symbol_value` or nothing.
    bool has_register = false, has_symbol = false;
    Special special_value = tid_x;
    std::vector<Operand> elements;
};

/// One instruction as written. The opcode is split at its dots.
struct Statement {
    unsigned line = 0;
    std::string text;
    bool guarded = false, guard_negated = false;
    Register guard;
    std::vector<std::string> opcode;
    std::vector<Operand> operands;
    /// Of `bra`, and of `brx.idx` the table.
    std::string label;
};

} // namespace testdriver
