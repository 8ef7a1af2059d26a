// Arithmetic of f32 and f64 (ISA section 9.7.3). The approximate instructions give what the C library gives: nearer to
// the true value than hardware, whose error the ISA bounds.
#include "families.h"
#include "floats.h"
#include "lanes.h"

#pragma STDC FP_CONTRACT OFF

LANES_BEGIN
namespace testdriver {
namespace {

struct Add {
    template <class T> static T apply(T a, T b) { return a + b; }
};
struct Subtract {
    template <class T> static T apply(T a, T b) { return a - b; }
};
struct Multiply {
    template <class T> static T apply(T a, T b) { return a * b; }
};
struct Divide {
    template <class T> static T apply(T a, T b) { return a / b; }
};
struct MultiplyAdd {
    static float apply(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
    static double apply(double a, double b, double c) { return __builtin_fma(a, b, c); }
};
/// The value that is not NaN; -0 is less than +0.
struct Minimum {
    template <class T> static T apply(T a, T b) {
        if (a != a)
            return b;
        if (b != b)
            return a;
        if (a == b)
            return std::signbit(a) ? a : b;
        return a < b ? a : b;
    }
};
struct Maximum {
    template <class T> static T apply(T a, T b) {
        if (a != a)
            return b;
        if (b != b)
            return a;
        if (a == b)
            return std::signbit(a) ? b : a;
        return a > b ? a : b;
    }
};
template <class Op> struct OrNaN {
    static float apply(float a, float b) {
        if (a != a || b != b)
            return bits_as<float>(0x7fffffffu);
        return Op::apply(a, b);
    }
};
struct Negate {
    template <class T> static T apply(T a) { return -a; }
};
struct Absolute {
    template <class T> static T apply(T a) { return std::fabs(a); }
};
struct Reciprocal {
    template <class T> static T apply(T a) { return T(1) / a; }
};
struct SquareRoot {
    template <class T> static T apply(T a) { return std::sqrt(a); }
};
struct ReciprocalRoot {
    template <class T> static T apply(T a) { return T(1 / std::sqrt(double(a))); }
};
struct Sine {
    static float apply(float a) { return std::sin(a); }
};
struct Cosine {
    static float apply(float a) { return std::cos(a); }
};
struct Logarithm {
    static float apply(float a) { return std::log2(a); }
};
struct Exponential {
    static float apply(float a) { return std::exp2(a); }
};
struct HyperbolicTangent {
    static float apply(float a) { return std::tanh(a); }
};
struct CopySign {
    template <class T> static T apply(T sign, T value) { return std::copysign(value, sign); }
};

/// .ftz takes subnormal numbers as zeros and makes zeros of them; .sat clamps to [0, 1] and NaN to 0.
template <class Op, bool ftz, bool sat> struct Modified {
    static float end(float value) {
        if (ftz)
            value = flush(value);
        if (sat)
            value = value > 0 ? (value < 1 ? value : 1.0f) : 0.0f;
        return value;
    }
    static float start(float value) { return ftz ? flush(value) : value; }
    static float apply(float a) { return end(Op::apply(start(a))); }
    static float apply(float a, float b) { return end(Op::apply(start(a), start(b))); }
    static float apply(float a, float b, float c) { return end(Op::apply(start(a), start(b), start(c))); }
};

template <class Op> Run unary(bool ftz) {
    return ftz ? Run(run_unary<float, float, Modified<Op, true, false>>) : Run(run_unary<float, float, Op>);
}
template <class Op> Run binary(bool ftz, bool sat) {
    if (ftz)
        return sat ? Run(run_binary<float, float, float, Modified<Op, true, true>>)
                   : Run(run_binary<float, float, float, Modified<Op, true, false>>);
    return sat ? Run(run_binary<float, float, float, Modified<Op, false, true>>)
               : Run(run_binary<float, float, float, Op>);
}
template <class Op> Run ternary(bool ftz, bool sat) {
    if (ftz)
        return sat ? Run(run_ternary<float, float, float, float, Modified<Op, true, true>>)
                   : Run(run_ternary<float, float, float, float, Modified<Op, true, false>>);
    return sat ? Run(run_ternary<float, float, float, float, Modified<Op, false, true>>)
               : Run(run_ternary<float, float, float, float, Op>);
}

/// Sums and products of f32 that are not rounded to nearest. A product of two has fewer bits than a double.
enum Directed : uint8_t { sum, difference, product, product_sum };

void run_directed(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<float> *a = warp.lanes<float>(i.o[1]), *b = warp.lanes<float>(i.o[2]), *c = warp.lanes<float>(i.o[3]);
    float result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++) {
        double first = a[lane], second = b[lane], exact = 0;
        switch (i.b) {
        case sum:
            exact = sum_to_odd(first, second);
            break;
        case difference:
            exact = sum_to_odd(first, -second);
            break;
        case product:
            exact = first * second;
            break;
        case product_sum:
            exact = sum_to_odd(first * second, c[lane]);
            break;
        }
        result[lane] = float(round_to(exact, single_format, Rounding(i.a)));
    }
    put<float>(warp, i.o[0], mask, result);
}

} // namespace
} // namespace testdriver
LANES_END

namespace testdriver {

static void operands_of(Decoding &d, Type type, unsigned sources) {
    d.operands(sources + 1);
    d.result.o[0] = d.destination(0, type);
    for (unsigned i = 1; i <= sources; i++)
        d.result.o[i] = d.source(i, type);
}

static bool decode_double(Decoding &d, const std::string &name) {
    using F = double;
    if (name == "fma") {
        d.need("rn");
        operands_of(d, Type::f64, 3);
        d.result.run = run_ternary<F, F, F, F, MultiplyAdd>;
    } else if (name == "neg" || name == "abs" || name == "sqrt" || name == "rcp" || name == "rsqrt") {
        // The approximate forms of f64 are far less precise in hardware; what calls them refines the result.
        if (name == "sqrt" || name == "rcp") {
            if (!d.take("rn")) {
                d.need("approx");
                d.need("ftz");
            }
        } else if (name == "rsqrt") {
            d.need("approx");
            d.take("ftz");
        }
        operands_of(d, Type::f64, 1);
        if (name == "neg")
            d.result.run = run_unary<F, F, Negate>;
        if (name == "abs")
            d.result.run = run_unary<F, F, Absolute>;
        if (name == "sqrt")
            d.result.run = run_unary<F, F, SquareRoot>;
        if (name == "rcp")
            d.result.run = run_unary<F, F, Reciprocal>;
        if (name == "rsqrt")
            d.result.run = run_unary<F, F, ReciprocalRoot>;
    } else {
        if (name == "div")
            d.need("rn");
        if (name == "add" || name == "sub" || name == "mul")
            d.take("rn");
        operands_of(d, Type::f64, 2);
        if (name == "add")
            d.result.run = run_binary<F, F, F, Add>;
        if (name == "sub")
            d.result.run = run_binary<F, F, F, Subtract>;
        if (name == "mul")
            d.result.run = run_binary<F, F, F, Multiply>;
        if (name == "div")
            d.result.run = run_binary<F, F, F, Divide>;
        if (name == "min")
            d.result.run = run_binary<F, F, F, Minimum>;
        if (name == "max")
            d.result.run = run_binary<F, F, F, Maximum>;
        if (name == "copysign")
            d.result.run = run_binary<F, F, F, CopySign>;
    }
    return true;
}

/// .rz, .rm and .rp of sums and products.
static bool decode_directed(Decoding &d, const std::string &name, bool ftz) {
    bool sums = name == "fma" || name == "add" || name == "sub" || name == "mul";
    Rounding rounding = !sums          ? Rounding::nearest
                        : d.take("rz") ? Rounding::zero
                        : d.take("rm") ? Rounding::down
                        : d.take("rp") ? Rounding::up
                                       : Rounding::nearest;
    if (rounding == Rounding::nearest)
        return false;
    if (ftz)
        d.fail("this form is not known");
    operands_of(d, Type::f32, name == "fma" ? 3 : 2);
    if (name != "fma")
        d.result.o[3] = d.result.o[2];
    d.result.a = uint8_t(rounding);
    d.result.b = name == "add" ? sum : name == "sub" ? difference : name == "mul" ? product : product_sum;
    d.result.run = run_directed;
    return true;
}

static bool decode_single(Decoding &d, const std::string &name) {
    bool ftz = d.take("ftz");
    if (decode_directed(d, name, ftz))
        return true;
    if (name == "fma" || name == "mad") {
        d.need("rn");
        operands_of(d, Type::f32, 3);
        d.result.run = ternary<MultiplyAdd>(ftz, d.take("sat"));
    } else if (name == "add" || name == "sub" || name == "mul") {
        operands_of(d, Type::f32, 2);
        d.take("rn");
        bool sat = d.take("sat");
        d.result.run = name == "add"   ? binary<Add>(ftz, sat)
                       : name == "sub" ? binary<Subtract>(ftz, sat)
                                       : binary<Multiply>(ftz, sat);
    } else if (name == "div") {
        if (!d.take("rn") && !d.take("approx"))
            d.need("full");
        operands_of(d, Type::f32, 2);
        d.result.run = binary<Divide>(ftz, false);
    } else if (name == "min" || name == "max") {
        operands_of(d, Type::f32, 2);
        bool nan = d.take("NaN");
        d.result.run = name == "min" ? (nan ? binary<OrNaN<Minimum>>(ftz, false) : binary<Minimum>(ftz, false))
                                     : (nan ? binary<OrNaN<Maximum>>(ftz, false) : binary<Maximum>(ftz, false));
    } else if (name == "copysign") {
        operands_of(d, Type::f32, 2);
        d.result.run = run_binary<float, float, float, CopySign>;
    } else {
        operands_of(d, Type::f32, 1);
        bool exact = name == "sqrt" || name == "rcp";
        if (name != "neg" && name != "abs" && !(exact && d.take("rn")))
            d.need("approx");
        if (name == "neg")
            d.result.run = unary<Negate>(ftz);
        if (name == "abs")
            d.result.run = unary<Absolute>(ftz);
        if (name == "sqrt")
            d.result.run = unary<SquareRoot>(ftz);
        if (name == "rcp")
            d.result.run = unary<Reciprocal>(ftz);
        if (name == "rsqrt")
            d.result.run = unary<ReciprocalRoot>(ftz);
        if (name == "sin")
            d.result.run = unary<Sine>(ftz);
        if (name == "cos")
            d.result.run = unary<Cosine>(ftz);
        if (name == "lg2")
            d.result.run = unary<Logarithm>(ftz);
        if (name == "ex2")
            d.result.run = unary<Exponential>(ftz);
        if (name == "tanh")
            d.result.run = unary<HyperbolicTangent>(ftz);
    }
    return true;
}

bool decode_float(Decoding &d) {
    const std::string &name = d.statement.opcode[0];
    static const char *const known[] = {"add", "sub",  "mul",   "fma", "mad", "div", "min", "max",  "neg",     "abs",
                                        "rcp", "sqrt", "rsqrt", "sin", "cos", "lg2", "ex2", "tanh", "copysign"};
    bool found = false;
    for (auto each : known)
        found = found || name == each;
    if (!found)
        return false;
    if (d.take("f32"))
        return decode_single(d, name);
    if (d.take("f64"))
        return decode_double(d, name);
    return false;
}

} // namespace testdriver
