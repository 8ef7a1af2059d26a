// Single instructions on chosen values, with the results that the ISA says.
#include "check.h"
#include <cmath>
#include <cstring>

namespace check {
namespace {

/// Bits of a value and the register that holds it: h 16, r 32, d 64 bits.
struct Value {
    char kind;
    uint64_t bits;
};
Value h(uint64_t bits) {
    return {'h', bits & 0xffff};
}
Value r(uint64_t bits) {
    return {'r', bits & 0xffffffff};
}
Value d(uint64_t bits) {
    return {'d', bits};
}
Value f(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return {'r', bits};
}
Value f(double value) {
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return {'d', bits};
}

struct Case {
    const char *opcode;
    Value expected;
    std::vector<Value> operands;
};

const Case cases[] = {
    // Integers.
    {"add.s32", r(-2), {r(0x7fffffff), r(0x7fffffff)}},
    {"sub.u16", h(0xffff), {h(1), h(2)}},
    {"mul.lo.s32", r(-6), {r(-2), r(3)}},
    {"mul.hi.s32", r(-1), {r(-2), r(3)}},
    {"mul.hi.u32", r(0xfffffffe), {r(-1), r(-1)}},
    {"mul.hi.u64", d(0xfffffffffffffffe), {d(-1), d(-1)}},
    {"mul.hi.s64", d(0), {d(-1), d(-1)}},
    {"mul.wide.s32", d(uint64_t(-6)), {r(-2), r(3)}},
    {"mul.wide.u32", d(0xfffffffe00000001), {r(-1), r(-1)}},
    {"mul.wide.s16", r(-6), {h(-2), h(3)}},
    {"mul.wide.u16", r(0xfffe0001), {h(-1), h(-1)}},
    {"mad.lo.s32", r(1), {r(-2), r(3), r(7)}},
    {"mad.hi.u32", r(5), {r(-1), r(-1), r(7)}},
    {"mad.wide.s32", d(uint64_t(-3)), {r(-2), r(3), d(3)}},
    {"div.s32", r(-2), {r(-7), r(3)}},
    {"rem.s32", r(-1), {r(-7), r(3)}},
    {"div.s32", r(0x80000000), {r(0x80000000), r(-1)}},
    {"div.u64", d(0x5555555555555555), {d(-1), d(3)}},
    {"min.s32", r(-1), {r(-1), r(1)}},
    {"min.u32", r(1), {r(-1), r(1)}},
    {"max.s64", d(1), {d(-1), d(1)}},
    {"abs.s32", r(5), {r(-5)}},
    {"neg.s64", d(5), {d(-5)}},
    {"sad.s32", r(12), {r(-5), r(5), r(2)}},
    {"mul24.lo.s32", r(1), {r(0xffffff), r(0xffffff)}},
    // Bits.
    {"shl.b32", r(0), {r(1), r(32)}},
    {"shl.b64", d(1ull << 40), {d(1), r(40)}},
    {"shr.u32", r(0), {r(-1), r(40)}},
    {"shr.s32", r(-1), {r(0x80000000), r(40)}},
    {"shr.s64", d(-1), {d(1ull << 63), r(63)}},
    {"shf.l.wrap.b32", r(0x2345678a), {r(0xabcd0000), r(0x12345678), r(36)}},
    {"shf.r.clamp.b32", r(0x12345678), {r(0xffffffff), r(0x12345678), r(40)}},
    {"shf.r.wrap.b32", r(0x80000000), {r(0), r(1), r(1)}},
    {"bfe.u32", r(0x56), {r(0x12345678), r(8), r(8)}},
    {"bfe.s32", r(-1), {r(0x0000ff00), r(8), r(8)}},
    {"bfe.s32", r(0), {r(-1), r(8), r(0)}},
    {"bfe.u32", r(0xff), {r(-1), r(24), r(20)}},
    {"bfe.s64", d(-2), {d(0xe00), r(8), r(4)}},
    {"bfi.b32", r(0x12ab5678), {r(0xab), r(0x12345678), r(16), r(8)}},
    {"bfi.b64", d(0xffff000000000000), {d(-1), d(0), r(48), r(16)}},
    {"brev.b32", r(0x80000000), {r(1)}},
    {"clz.b32", r(31), {r(1)}},
    {"clz.b64", r(64), {d(0)}},
    {"popc.b64", r(64), {d(-1)}},
    {"bfind.u32", r(31), {r(-1)}},
    {"bfind.s32", r(-1), {r(-1)}},
    {"prmt.b32", r(0xde785612), {r(0x12345678), r(0x9abcdef0), r(0x5013)}},
    {"prmt.b32", r(0xff000078), {r(0x12345678), r(0x9abcdef0), r(0xc980)}},
    {"not.b64", d(-1), {d(0)}},
    {"cnot.b32", r(1), {r(0)}},
    {"dp4a.s32.s32", r(-4), {r(0xffffffff), r(0x01010101), r(0)}},
    // Floats.
    {"fma.rn.f32", f(-0x1p-46f), {f(1 + 0x1p-23f), f(1 - 0x1p-23f), f(-1.0f)}},
    {"fma.rm.f32", f(1.0f), {f(1.0f), f(1.0f), f(0x1p-60f)}},
    {"fma.rp.f32", f(1 + 0x1p-23f), {f(1.0f), f(1.0f), f(0x1p-60f)}},
    {"add.rz.f32", f(1 - 0x1p-24f), {f(1.0f), f(-0x1p-60f)}},
    {"add.sat.f32", f(1.0f), {f(1.0f), f(1.0f)}},
    {"mul.ftz.f32", f(0.0f), {f(0x1p-100f), f(0x1p-40f)}},
    {"mul.f32", f(0x1p-140f), {f(0x1p-100f), f(0x1p-40f)}},
    {"min.f32", f(1.0f), {f(NAN), f(1.0f)}},
    {"min.f32", f(-0.0f), {f(0.0f), f(-0.0f)}},
    {"max.NaN.f32", r(0x7fffffff), {f(NAN), f(1.0f)}},
    {"copysign.f32", f(-2.0f), {f(-1.0f), f(2.0f)}},
    {"sqrt.rn.f64", f(1.5), {f(2.25)}},
    {"rcp.rn.f32", f(0.25f), {f(4.0f)}},
    {"ex2.approx.ftz.f32", f(8.0f), {f(3.0f)}},
    {"lg2.approx.f32", f(3.0f), {f(8.0f)}},
    {"rsqrt.approx.f32", f(0.5f), {f(4.0f)}},
    {"fma.rn.f16", h(0x4200), {h(0x3c00), h(0x3c00), h(0x4000)}},
    {"add.f16x2", r(0x42004000), {r(0x3c003c00), r(0x40003c00)}},
    {"fma.rn.bf16x2", r(0x40404000), {r(0x3f803f80), r(0x40003f80), r(0x3f803f80)}},
    {"max.f16x2", r(0x40003c00), {r(0x3c003c00), r(0x4000bc00)}},
    // Conversion.
    {"cvt.rni.s32.f32", r(2), {f(2.5f)}},
    {"cvt.rzi.s32.f32", r(-2), {f(-2.9f)}},
    {"cvt.rmi.s32.f32", r(-3), {f(-2.1f)}},
    {"cvt.rpi.s32.f32", r(3), {f(2.1f)}},
    {"cvt.rzi.s32.f32", r(0x7fffffff), {f(1e20f)}},
    {"cvt.rzi.u32.f32", r(0), {f(-5.0f)}},
    {"cvt.rzi.s32.f32", r(0), {f(NAN)}},
    {"cvt.rzi.s64.f64", d(uint64_t(-1) << 62), {f(-0x1p62)}},
    {"cvt.rni.f32.f32", f(4.0f), {f(3.5f)}},
    {"cvt.rn.f32.s32", f(16777216.0f), {r(16777217)}},
    {"cvt.rp.f32.u32", f(16777218.0f), {r(16777217)}},
    {"cvt.rn.f32.u64", f(0x1p63f + 0x1p40f), {d((1ull << 63) + (1ull << 39) + 1)}},
    {"cvt.rn.f16.f32", h(0x7c00), {f(65520.0f)}},
    {"cvt.rn.f16.f32", h(0x7bff), {f(65519.0f)}},
    {"cvt.rz.f16.f32", h(0x7bff), {f(1e9f)}},
    {"cvt.rn.f16.f32", h(0x0001), {f(0x1p-24f)}},
    {"cvt.rn.f16.f32", h(0), {f(0x1p-25f)}},
    {"cvt.rn.f16.f32", h(0x7fff), {f(NAN)}},
    {"cvt.rn.f16.f64", h(0x3c01), {f(1 + 0x1p-11 + 0x1p-40)}},
    {"cvt.f32.f16", f(0x1p-24f), {h(1)}},
    {"cvt.rn.bf16.f32", h(0x3f80), {f(1 + 0x1p-8f)}},
    {"cvt.rn.bf16.f32", h(0x3f82), {f(1 + 3 * 0x1p-8f)}},
    {"cvt.rn.bf16x2.f32", r(0x40003f80), {f(2.0f), f(1.0f)}},
    {"cvt.rn.relu.f16x2.f32", r(0x40000000), {f(2.0f), f(-1.0f)}},
    {"cvt.rna.tf32.f32", f(1 + 0x1p-10f), {f(1 + 0x1p-11f)}},
    {"cvt.sat.f32.f32", f(0.0f), {f(-3.0f)}},
    {"cvt.rn.f32.f64", f(1.0f), {f(1 + 0x1p-24)}},
    {"cvt.f64.f32", f(0.5), {f(0.5f)}},
    {"cvt.s32.s8", r(-1), {r(0xff)}},
    {"cvt.u32.u8", r(0x78), {r(0x12345678)}},
    {"cvt.sat.s8.s32", r(127), {r(300)}},
    {"cvt.s64.s32", d(-5), {r(-5)}},
    {"cvt.u16.u32", h(0x5678), {r(0x12345678)}},
    {"cvt.rn.f16.s32", h(0x5640), {r(100)}},
};

std::string number(Value value) {
    char text[32];
    snprintf(text, sizeof text, "0x%llx", (unsigned long long)value.bits);
    return text;
}

/// The kernel moves the operands into registers, runs the instruction and stores the result.
std::string program(const std::string &statement, Value result, const std::vector<Value> &operands) {
    std::string text = ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 p)\n{\n"
                       ".reg .pred %p<3>;\n.reg .b16 %h<8>;\n.reg .b32 %r<8>;\n.reg .b64 %d<8>;\n.reg .b64 %to;\n"
                       "ld.param.u64 %to, [p];\n";
    auto width = [](char kind) { return kind == 'h' ? "16" : kind == 'r' ? "32" : "64"; };
    for (size_t i = 0; i < operands.size(); i++)
        text += std::string("mov.b") + width(operands[i].kind) + " %" + operands[i].kind + std::to_string(i + 1) +
                ", " + number(operands[i]) + ";\n";
    return text + statement + "\nst.global.b" + width(result.kind) + " [%to], %" + result.kind + "0;\nret;\n}\n";
}

void expect_value(const std::string &statement, Value expected, const std::vector<Value> &operands) {
    ud2m_cuda_function function;
    must(cuda.cuModuleGetFunction(&function, load(program(statement, expected, operands)), "k"), "k");
    auto to = allocate(8);
    must(run(function, 1, 1, 0, to), statement.c_str());
    uint64_t bits = 0;
    must(cuda.cuMemcpyDtoH(&bits, to, expected.kind == 'h' ? 2 : expected.kind == 'r' ? 4 : 8), "cuMemcpyDtoH");
    Value result{expected.kind, bits};
    expect(bits == expected.bits, statement + " gives " + number(result) + ", not " + number(expected));
}

} // namespace

void instruction_tests() {
    for (auto &one : cases)
        test(one.opcode, [&] {
            std::string statement = std::string(one.opcode) + " %" + one.expected.kind + "0";
            for (size_t i = 0; i < one.operands.size(); i++)
                statement += std::string(", %") + one.operands[i].kind + std::to_string(i + 1);
            expect_value(statement + ";", one.expected, one.operands);
        });
    test("instructions with several results or constants", [] {
        expect_value("lop3.b32 %r0, %r1, %r2, %r3, 0xe8;", r(0xe8), {r(0xf0), r(0xcc), r(0xaa)});
        expect_value("add.cc.u32 %r0, %r1, %r2;\naddc.u32 %r0, %r3, 0;", r(8), {r(-1), r(1), r(7)});
        expect_value("mov.b64 %d0, {%r1, %r2};", d(0x200000001), {r(1), r(2)});
        expect_value("mov.b64 {%r3, %r0}, %d1;", r(5), {d(0x500000007)});
        expect_value("mov.b32 %r0, {%h1, %h2};", r(0x20001), {h(1), h(2)});
        expect_value("mov.pred %p0, 1;\nsetp.lt.and.f32 %p1|%p2, %r1, %r2, %p0;\nselp.b32 %r0, 1, 2, %p2;", r(2),
                     {f(1.0f), f(2.0f)});
        expect_value("setp.ltu.f32 %p1, %r1, %r2;\nselp.b32 %r0, 1, 2, %p1;", r(1), {f(NAN), f(2.0f)});
        expect_value("setp.ne.f32 %p1, %r1, %r2;\nselp.b32 %r0, 1, 2, %p1;", r(2), {f(NAN), f(2.0f)});
        expect_value("setp.hi.u32 %p1, %r1, %r2;\n@!%p1 mov.b32 %r0, 4;\n@%p1 mov.b32 %r0, 3;", r(3), {r(-1), r(1)});
        expect_value("slct.b32.s32 %r0, %r1, %r2, %r3;", r(2), {r(1), r(2), r(-1)});
        expect_value("testp.subnormal.f32 %p1, %r1;\nselp.b32 %r0, 1, 2, %p1;", r(1), {f(0x1p-130f)});
    });
}

} // namespace check
