#pragma once
// Values of the small float formats, as bits, and rounding to every format in every direction.
#include "warp.h"
#include <cmath>

LANES_BEGIN
namespace testdriver {

template <class To, class From> static inline To bits_as(From value) {
    static_assert(sizeof(To) == sizeof(From), "");
    To result;
    memcpy(&result, &value, sizeof result);
    return result;
}

struct Half {
    uint16_t bits;
    static float value(uint16_t bits) { return float(bits_as<_Float16>(bits)); }
    /// To nearest, ties to even; NaN is 0x7fff as on the device (ISA section 9.7.9.21).
    static uint16_t rounded(float value) { return value != value ? 0x7fff : bits_as<uint16_t>(_Float16(value)); }
};

struct Brain {
    uint16_t bits;
    static float value(uint16_t bits) { return bits_as<float>(uint32_t(bits) << 16); }
    static uint16_t rounded(float value) {
        uint32_t bits = bits_as<uint32_t>(value);
        return value != value ? 0x7fff : uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
};

enum class Rounding : uint8_t { nearest, zero, down, up, nearest_away };

/// Of a float format: bits of the significand with the hidden one, the smallest normal exponent, and the largest value.
struct Format {
    int precision, smallest;
    double largest;
};
constexpr Format half_format{11, -14, 65504.0}, brain_format{8, -126, 0x1.fep127},
    single_format{24, -126, 0x1.fffffep127}, tensor_format{11, -126, 0x1.ffcp127};

static inline double round_integral(double value, Rounding rounding) {
    switch (rounding) {
    case Rounding::zero:
        return std::trunc(value);
    case Rounding::down:
        return std::floor(value);
    case Rounding::up:
        return std::ceil(value);
    case Rounding::nearest_away:
        return std::round(value);
    default:
        return std::nearbyint(value);
    }
}

/// The value of the format nearest to `value` in the direction; NaN stays NaN.
static inline double round_to(double value, const Format &format, Rounding rounding) {
    if (value == 0 || !std::isfinite(value))
        return value;
    int exponent;
    std::frexp(value, &exponent);
    exponent = exponent - 1 < format.smallest ? format.smallest : exponent - 1;
    int unit = exponent - (format.precision - 1);
    double result = std::ldexp(round_integral(std::ldexp(value, -unit), rounding), unit);
    if (std::fabs(result) > format.largest) {
        bool to_infinity = rounding == Rounding::nearest || rounding == Rounding::nearest_away ||
                           (rounding == Rounding::up && value > 0) || (rounding == Rounding::down && value < 0);
        return std::copysign(to_infinity ? HUGE_VAL : format.largest, value);
    }
    return result;
}

/// The sum with its last bit set where it is not exact, so that rounding it to fewer bits, in any direction, gives what
/// rounding the exact sum would.
static inline double sum_to_odd(double a, double b) {
    double sum = a + b;
    if (!std::isfinite(sum))
        return sum;
    double of_b = sum - a, rest = (a - (sum - of_b)) + (b - of_b);
    if (rest == 0 || bits_as<uint64_t>(sum) & 1)
        return sum;
    return std::nextafter(sum, rest > 0 ? HUGE_VAL : -HUGE_VAL);
}

static inline float flush(float value) {
    return std::fabs(value) < 0x1p-126f ? std::copysign(0.0f, value) : value;
}

} // namespace testdriver
LANES_END
