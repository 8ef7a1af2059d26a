#include "builder.h"
#include <algorithm>
#include <cstring>

namespace testdriver {

Register Builder::new_register(Type type) {
    // 64 bytes keep every register on a cache line of its own, so that vectors of lanes are aligned.
    unsigned bytes = type == Type::pred ? 4 : 32 * width_of(type);
    Register result{type, kernel.register_bytes};
    kernel.register_bytes += (bytes + 63) / 64 * 64;
    return result;
}

uint32_t Builder::constant(uint64_t bits, unsigned width) {
    if (width < 8)
        bits &= (1ull << width * 8) - 1;
    auto found = constants_.find({bits, width});
    if (found != constants_.end())
        return found->second;
    Type type = width == 8 ? Type::b64 : width == 4 ? Type::b32 : width == 2 ? Type::b16 : Type::b8;
    uint32_t offset = new_register(type).offset;
    std::vector<uint8_t> lanes(32 * width);
    for (unsigned lane = 0; lane < 32; lane++)
        memcpy(&lanes[lane * width], &bits, width);
    kernel.constants.push_back({offset, lanes});
    constants_[{bits, width}] = offset;
    return offset;
}

uint32_t Builder::special(Special which) {
    auto found = specials_.find(which);
    if (found != specials_.end())
        return found->second;
    uint32_t offset = new_register(Type::u32).offset;
    kernel.specials.push_back({which, offset});
    specials_[which] = offset;
    return offset;
}

void Builder::append(const Instruction &instruction, const Statement &statement) {
    kernel.code.push_back(instruction);
    kernel.lines.push_back(statement.line);
    kernel.texts.push_back(statement.text);
}

bool Decoding::take(const char *modifier) {
    auto found = std::find(modifiers_.begin(), modifiers_.end(), modifier);
    if (found == modifiers_.end())
        return false;
    modifiers_.erase(found);
    return true;
}

void Decoding::need(const char *modifier) {
    if (!take(modifier))
        fail(std::string("the form without .") + modifier + " is not known");
}

std::string Decoding::take_any() {
    if (modifiers_.empty())
        fail("a modifier is missing");
    std::string first = modifiers_.front();
    modifiers_.erase(modifiers_.begin());
    return first;
}

Type Decoding::take_type() {
    for (auto each = modifiers_.begin(); each != modifiers_.end(); ++each) {
        Type type = type_named(*each);
        if (type == Type::none)
            continue;
        modifiers_.erase(each);
        return type;
    }
    fail("a type is missing");
}

void Decoding::finish() {
    if (!modifiers_.empty())
        fail("the modifier ." + modifiers_.front() + " is not known here");
    if (!result.run && result.flow == Flow::next)
        fail("this form is not known");
}

void Decoding::operands(size_t count) const {
    if (statement.operands.size() != count)
        fail("it has " + std::to_string(statement.operands.size()) + " operands, not " + std::to_string(count));
}

const Operand &Decoding::operand(size_t i) const {
    if (i >= statement.operands.size())
        fail("an operand is missing");
    return statement.operands[i];
}

uint32_t Decoding::source(const Operand &operand, Type type) {
    unsigned width = width_of(type);
    switch (operand.kind) {
    case Operand::in_register:
        if (operand.negated || operand.reg.type == Type::pred || width_of(operand.reg.type) != width)
            fail("a register of another width than its type");
        return operand.reg.offset;
    case Operand::special:
        if (width != 4)
            fail("special registers have 32 bits");
        return builder.special(operand.special_value);
    case Operand::number:
        if (type == Type::f32 || type == Type::f64)
            fail("an integer where a float is read");
        return builder.constant(operand.bits, width);
    case Operand::float_number:
        if (width != 4)
            fail("a constant of another width than its type");
        return builder.constant(operand.bits, width);
    case Operand::double_number:
        if (width != 8)
            fail("a constant of another width than its type");
        return builder.constant(operand.bits, width);
    case Operand::symbol:
        if (width != 8 && !(width == 4 && operand.symbol_value.kind == Symbol::shared))
            fail("an address of another width than its type");
        return builder.constant(operand.symbol_value.value + operand.bits, width);
    default:
        fail("this kind of operand is not known here");
    }
}

uint32_t Decoding::destination(const Operand &operand, Type type) {
    if (operand.kind == Operand::sink)
        return builder.new_register(type).offset;
    if (operand.kind != Operand::in_register || operand.reg.type == Type::pred ||
        width_of(operand.reg.type) != width_of(type))
        fail("the result is no register of the type's width");
    return operand.reg.offset;
}

uint32_t Decoding::predicate(size_t i, bool *negated) {
    const Operand &at = operand(i);
    if (at.kind == Operand::sink)
        return builder.new_register(Type::pred).offset;
    if (at.kind != Operand::in_register || at.reg.type != Type::pred)
        fail("a predicate is missing");
    if (at.negated && !negated)
        fail("a negated predicate is not known here");
    if (negated)
        *negated = at.negated;
    return at.reg.offset;
}

uint64_t Decoding::number(size_t i) const {
    if (operand(i).kind != Operand::number)
        fail("a constant number is missing");
    return operand(i).bits;
}

} // namespace testdriver
