#pragma once
#include "types.h"
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace testdriver {

struct Warp;
struct Instruction;

/// Runs one instruction for the lanes of `mask`.
using Run = void (*)(Warp &warp, const Instruction &instruction, uint32_t mask);

enum class Flow : uint8_t { next, branch, indexed_branch, exit, barrier };

/// A decoded instruction. Operands are byte offsets into the register file of a warp, where a register is an array of
/// 32 lanes (a predicate is one word of 32 bits), and where constants and special registers lie as well; so no operand
/// needs a case of its own when it runs.
struct Instruction {
    static constexpr unsigned max_operands = 16;

    Run run = nullptr;
    Flow flow = Flow::next;
    bool guarded = false, guard_negated = false;
    uint32_t guard = 0;
    uint32_t o[max_operands] = {};
    /// Offset of an address, group to wait for, table of an indexed branch: what the family says.
    int64_t immediate = 0;
    uint32_t target = 0;
    /// Vector elements, or whatever small numbers the family needs.
    uint8_t count = 1, a = 0, b = 0, c = 0;
};

struct Parameter {
    uint32_t offset, size;
};

struct Kernel {
    std::string name;
    std::vector<Parameter> parameters;
    uint32_t parameter_bytes = 0;
    std::vector<Instruction> code;
    /// For messages: the line and text of each instruction.
    std::vector<unsigned> lines;
    std::vector<std::string> texts;
    std::vector<std::vector<uint32_t>> branch_tables;

    uint32_t register_bytes = 0;
    /// Constants of the register file: where, and the 32 lanes.
    std::vector<std::pair<uint32_t, std::vector<uint8_t>>> constants;
    /// Special registers that are used: number (of `Special`) and where.
    std::vector<std::pair<uint8_t, uint32_t>> specials;
    uint32_t static_shared = 0, local_bytes = 0;
    uint32_t max_threads = 1024;
    uint32_t required_threads = 0;
    /// Set by cuFuncSetAttribute.
    uint32_t max_dynamic_shared = 48 * 1024;
};

enum Special : uint8_t {
    tid_x,
    tid_y,
    tid_z,
    ntid_x,
    ntid_y,
    ntid_z,
    ctaid_x,
    ctaid_y,
    ctaid_z,
    nctaid_x,
    nctaid_y,
    nctaid_z,
    laneid,
    warpid,
    lanemask_lt,
    lanemask_le,
    lanemask_eq,
    lanemask_ge,
    lanemask_gt,
    clock_low,
    smid,
    special_count
};

/// A variable of a module, in device memory.
struct Variable {
    uint64_t address = 0;
    uint64_t size = 0;
    bool constant = false;
    std::vector<uint8_t> content;
};

struct Module {
    std::map<std::string, std::unique_ptr<Kernel>> kernels;
    std::map<std::string, Variable> variables;
    /// ".target sm_80" is 80.
    unsigned target = 0;
};

/// Where the windows of generic addresses (ISA section 5.1) start; device memory lies below. Addresses of shared and
/// local memory start at 0 in their own space.
constexpr uint64_t shared_window = 1ull << 60, local_window = 2ull << 60, window_size = 1ull << 32;

} // namespace testdriver
