// ldmatrix and mma.sync: the fragments of a warp (ISA sections 9.7.13.4.8, "Matrix Fragments for mma.m16n8k16 with
// floating point type", 9.7.13.4.4 for m16n8k8, and 9.7.13.4.15 for ldmatrix).
//
// Lane l is the pair (row l / 4, column l % 4) of all of them. So a register of two 16-bit elements a lane, seen as an
// array over lanes, is an 8×8 matrix row by row, and fragments are put together without looking at lanes:
//   A, 16×16: registers 0 to 3 are the quarters at (row, column) (0,0), (8,0), (0,8), (8,8).
//   B, 16×8: registers 0 and 1 are the rows 0 to 7 and 8 to 15, transposed: lane (n, k/2) holds k and k + 1 of column
//   n. C, 16×8: lane (r, c) holds columns 2c and 2c + 1 of row r in registers 0 and 1, of row r + 8 in registers 2
//   and 3.
#include "address.h"
#include "families.h"
#include "floats.h"
#include "lanes.h"

#pragma STDC FP_CONTRACT OFF

LANES_BEGIN
namespace testdriver {
namespace {

[[noreturn]] void not_whole(const char *what) {
    throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED,
                std::string(what) + " by a part of a warp: all lanes must run it together");
}

/// c: whether transposed; count: how many matrices.
void run_ldmatrix(Warp &warp, const Instruction &i, uint32_t mask) {
    if (mask != all_lanes)
        not_whole("ldmatrix");
    unsigned rows = i.count * 8u;
    uint64_t addresses[warp_size];
    uint8_t *from[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++) {
        uint64_t base = 0;
        if (i.a)
            memcpy(&base, warp.registers + i.o[15] + lane * i.a, i.a);
        addresses[lane] = base + uint64_t(i.immediate);
    }
    // Only the lanes that give the addresses of rows have to give good ones.
    resolve(warp, Space(i.b), addresses, rows == 32 ? all_lanes : (1u << rows) - 1, 16, Access::read, from);
    uint16_t matrices[4][8][8];
    for (unsigned row = 0; row < rows; row++)
        memcpy(matrices[row / 8][row % 8], from[row], 16);
    for (unsigned m = 0; m < i.count; m++) {
        uint16_t turned[8][8];
        if (i.c) {
            for (unsigned r = 0; r < 8; r++)
                for (unsigned c = 0; c < 8; c++)
                    turned[r][c] = matrices[m][c][r];
        }
        memcpy(warp.registers + i.o[m], i.c ? turned : matrices[m], 128);
    }
}

void load_accumulators(Warp &warp, const Instruction &i, unsigned first, float (*c)[8]) {
    for (unsigned half = 0; half < 2; half++) {
        const Lanes<float> *even = warp.lanes<float>(i.o[first + 2 * half]),
                           *odd = warp.lanes<float>(i.o[first + 2 * half + 1]);
        for (unsigned lane = 0; lane < warp_size; lane++) {
            c[half * 8 + lane / 4][lane % 4 * 2] = even[lane];
            c[half * 8 + lane / 4][lane % 4 * 2 + 1] = odd[lane];
        }
    }
}

void store_accumulators(Warp &warp, const Instruction &i, float (*c)[8]) {
    for (unsigned half = 0; half < 2; half++) {
        float even[warp_size], odd[warp_size];
        for (unsigned lane = 0; lane < warp_size; lane++) {
            even[lane] = c[half * 8 + lane / 4][lane % 4 * 2];
            odd[lane] = c[half * 8 + lane / 4][lane % 4 * 2 + 1];
        }
        put<float>(warp, i.o[2 * half], all_lanes, even);
        put<float>(warp, i.o[2 * half + 1], all_lanes, odd);
    }
}

/// c[16][8] += a[16][depth] · b[depth][8], each element in the order of the depth, in single precision.
template <unsigned depth> void multiply(float (*a)[depth], float (*b)[8], float (*c)[8]) {
    typedef float Row __attribute__((vector_size(32)));
    Row rows[depth];
    memcpy(rows, b, sizeof rows);
    for (unsigned r = 0; r < 16; r += 4) {
        Row sums[4];
        memcpy(sums, c[r], sizeof sums);
        for (unsigned k = 0; k < depth; k++)
            for (unsigned j = 0; j < 4; j++) {
                Row left = Row{} + a[r + j][k];
                sums[j] = __builtin_elementwise_fma(left, rows[k], sums[j]);
            }
        memcpy(c[r], sums, sizeof sums);
    }
}

/// Operands: d0…d3, then A (depth / 4 registers), B (depth / 8), C (4).
template <class Kind, unsigned depth> void run_mma(Warp &warp, const Instruction &i, uint32_t mask) {
    if (mask != all_lanes)
        not_whole("mma");
    constexpr unsigned parts = depth / 8;
    alignas(32) float a[16][depth], b[depth][8], c[16][8];
    for (unsigned part = 0; part < 2 * parts; part++) {
        const Lanes<uint16_t> *from = warp.lanes<uint16_t>(i.o[4 + part]);
        float values[64];
        for (unsigned e = 0; e < 64; e++)
            values[e] = Kind::value(from[e]);
        for (unsigned r = 0; r < 8; r++)
            memcpy(&a[part % 2 * 8 + r][part / 2 * 8], values + r * 8, 32);
    }
    for (unsigned part = 0; part < parts; part++) {
        const Lanes<uint16_t> *from = warp.lanes<uint16_t>(i.o[4 + 2 * parts + part]);
        float values[64];
        for (unsigned e = 0; e < 64; e++)
            values[e] = Kind::value(from[e]);
        for (unsigned k = 0; k < 8; k++)
            for (unsigned n = 0; n < 8; n++)
                b[part * 8 + k][n] = values[n * 8 + k];
    }
    load_accumulators(warp, i, 4 + 3 * parts, c);
    multiply<depth>(a, b, c);
    store_accumulators(warp, i, c);
}

/// m16n8k8 of tf32 (ISA section 9.7.13.4.5): one element a register; A's registers are (r, c), (r + 8, c), (r, c + 4)
/// and (r + 8, c + 4), B's (k, n) and (k + 4, n) of lane (n, k). The 13 low bits are not looked at.
void run_mma_tensor(Warp &warp, const Instruction &i, uint32_t mask) {
    if (mask != all_lanes)
        not_whole("mma");
    alignas(32) float a[16][8], b[8][8], c[16][8];
    for (unsigned lane = 0; lane < warp_size; lane++) {
        for (unsigned part = 0; part < 4; part++) {
            uint32_t bits = warp.lanes<uint32_t>(i.o[4 + part])[lane] & ~0x1fffu;
            a[part % 2 * 8 + lane / 4][part / 2 * 4 + lane % 4] = bits_as<float>(bits);
        }
        for (unsigned part = 0; part < 2; part++) {
            uint32_t bits = warp.lanes<uint32_t>(i.o[8 + part])[lane] & ~0x1fffu;
            b[part * 4 + lane % 4][lane / 4] = bits_as<float>(bits);
        }
    }
    load_accumulators(warp, i, 10, c);
    multiply<8>(a, b, c);
    store_accumulators(warp, i, c);
}

} // namespace
} // namespace testdriver
LANES_END

namespace testdriver {

static unsigned add_registers(Decoding &d, size_t operand, unsigned count, unsigned at, Type type, bool result) {
    auto &elements = d.operand(operand).elements;
    if (d.operand(operand).kind != Operand::vector || elements.size() != count)
        d.fail("another number of registers");
    for (auto &each : elements) {
        if (result && each.kind != Operand::in_register)
            d.fail("the result is no register");
        d.result.o[at++] = result ? d.destination(each, type) : d.source(each, type);
    }
    return at;
}

static void decode_mma(Decoding &d) {
    d.need("sync");
    d.need("aligned");
    bool deep = d.take("m16n8k16");
    if (!deep)
        d.need("m16n8k8");
    d.need("row");
    d.need("col");
    std::string types;
    for (unsigned i = 0; i < 4; i++)
        types += (i ? "." : "") + d.take_any();
    bool half = types == "f32.f16.f16.f32", brain = types == "f32.bf16.bf16.f32", tensor = types == "f32.tf32.tf32.f32";
    if (!half && !brain && !(tensor && !deep))
        d.fail("these types are not known");
    unsigned parts = deep || tensor ? 2 : 1;
    d.operands(4);
    unsigned at = add_registers(d, 0, 4, 0, Type::f32, true);
    at = add_registers(d, 1, 2 * parts, at, Type::b32, false);
    at = add_registers(d, 2, parts, at, Type::b32, false);
    add_registers(d, 3, 4, at, Type::f32, false);
    d.result.run = tensor ? run_mma_tensor
                   : half ? (deep ? run_mma<Half, 16> : run_mma<Half, 8>)
                          : (deep ? run_mma<Brain, 16> : run_mma<Brain, 8>);
}

bool decode_matrix(Decoding &d) {
    const std::string &name = d.statement.opcode[0];
    if (name == "mma") {
        decode_mma(d);
        return true;
    }
    if (name != "ldmatrix")
        return false;
    d.need("sync");
    d.need("aligned");
    d.need("m8n8");
    unsigned count = d.take("x1") ? 1 : d.take("x2") ? 2 : 4;
    if (count == 4)
        d.need("x4");
    d.result.c = d.take("trans");
    Space space = take_space(d);
    if (space != Space::shared && space != Space::generic)
        d.fail("this space is not known here");
    d.need("b16");
    d.operands(2);
    decode_address(d, d.operand(1), space);
    add_registers(d, 0, count, 0, Type::b32, true);
    d.result.count = uint8_t(count);
    d.result.run = run_ldmatrix;
    return true;
}

} // namespace testdriver
