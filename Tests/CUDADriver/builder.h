#pragma once
#include "fault.h"
#include "statement.h"

namespace testdriver {

/// Lays out the register file of a kernel and collects its code.
class Builder {
  public:
    Kernel &kernel;

    /// The carry of add.cc and its relatives, made when first needed.
    Register carry;

    explicit Builder(Kernel &kernel) : kernel(kernel) {}

    Register new_register(Type type);
    /// A register of `width` bytes a lane that holds `bits` in every lane; one for each value and width.
    uint32_t constant(uint64_t bits, unsigned width);
    uint32_t special(Special which);
    void append(const Instruction &instruction, const Statement &statement);

  private:
    std::map<std::pair<uint64_t, unsigned>, uint32_t> constants_;
    std::map<uint8_t, uint32_t> specials_;
};

/// What a family of instructions sees of a statement while it decodes it: modifiers are taken one after the other, and
/// what is left at the end is an error; so is an operand whose register has another width than its type.
class Decoding {
  public:
    Builder &builder;
    const Statement &statement;
    Instruction result;

    Decoding(Builder &builder, const Statement &statement)
        : builder(builder), statement(statement), modifiers_(statement.opcode.begin() + 1, statement.opcode.end()) {}

    [[noreturn]] void fail(const std::string &why) const {
        bad_ptx(statement.line, why + ": `" + statement.text + "`");
    }

    /// Whether the modifier was there; it is taken.
    bool take(const char *modifier);
    void need(const char *modifier);
    /// The first modifier that is left, taken.
    std::string take_any();
    /// The next type, taken.
    Type take_type();
    bool has_modifiers() const { return !modifiers_.empty(); }
    void finish();

    void operands(size_t count) const;
    size_t operand_count() const { return statement.operands.size(); }
    const Operand &operand(size_t i) const;

    /// Offsets of registers. A source may be a constant, a special register or the address of a symbol.
    uint32_t source(const Operand &operand, Type type);
    uint32_t source(size_t i, Type type) { return source(operand(i), type); }
    uint32_t destination(const Operand &operand, Type type);
    uint32_t destination(size_t i, Type type) { return destination(operand(i), type); }
    uint32_t predicate(size_t i, bool *negated = nullptr);
    /// A constant integer.
    uint64_t number(size_t i) const;

  private:
    std::vector<std::string> modifiers_;
};

/// Decodes a statement that is no branch, return or call.
void decode(Decoding &decoding);

} // namespace testdriver
