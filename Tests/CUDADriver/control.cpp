// Barriers of a block, fences, indexed branches and traps (ISA sections 9.7.11 and 9.7.12).
#include "families.h"
#include "warp.h"

namespace testdriver {
namespace {

void run_nothing(Warp &, const Instruction &, uint32_t) {}

void run_trap(Warp &, const Instruction &, uint32_t) {
    throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED, "the kernel stopped itself");
}

void decode_barrier(Decoding &d) {
    Instruction &r = d.result;
    d.take("cta");
    r.flow = Flow::barrier;
    if (d.take("sync")) {
        d.take("aligned");
        if (d.operand_count() == 2) {
            // A number of threads: those of the whole block are expected, which is looked at when it runs.
            r.target = uint32_t(d.number(1));
        } else {
            d.operands(1);
        }
        r.immediate = int64_t(d.number(0));
        r.count = 0;
        return;
    }
    d.need("red");
    d.take("aligned");
    r.a = d.take("popc") ? 1 : d.take("and") ? 2 : 3;
    if (r.a == 3)
        d.need("or");
    if (r.a == 1) {
        d.need("u32");
        r.o[0] = d.destination(0, Type::u32);
    } else {
        d.need("pred");
        r.o[0] = d.predicate(0);
    }
    d.operands(3);
    r.immediate = int64_t(d.number(1));
    bool negated = false;
    r.o[1] = d.predicate(2, &negated);
    r.b = negated;
}

} // namespace

/// Of barriers: a is what is reduced (0 nothing, 1 how many, 2 all, 3 any) into o[0] from o[1], b whether that is
/// negated.
bool decode_control(Decoding &d) {
    const std::string &name = d.statement.opcode[0];
    if (name == "bar" || name == "barrier") {
        decode_barrier(d);
    } else if (name == "membar" || name == "fence" || name == "nanosleep") {
        // Warps run one after the other, so that every write is seen at once.
        while (d.has_modifiers())
            d.take_any();
        d.result.run = run_nothing;
    } else if (name == "trap") {
        d.operands(0);
        d.result.run = run_trap;
    } else if (name == "brx") {
        d.need("idx");
        d.take("uni");
        d.operands(2);
        d.result.o[0] = d.source(0, Type::u32);
        if (d.operand(1).kind != Operand::symbol || d.operand(1).symbol_value.kind != Symbol::table)
            d.fail("a table of targets is missing");
        d.result.target = uint32_t(d.operand(1).symbol_value.value);
        d.result.flow = Flow::indexed_branch;
    } else {
        return false;
    }
    return true;
}

} // namespace testdriver
