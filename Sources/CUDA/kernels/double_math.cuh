#pragma once
// Logarithm, sine and cosine in double precision, within one unit in the last place. CUDA's own sine carries a path for
// huge angles that needs local memory; angles here are small.

#include "element.cuh"

/// Sine and cosine of an angle up to a million or so in size.
DEVICE void sine_and_cosine(double angle, double &sine, double &cosine) {
    // π/2 in two parts; the product with the first is subtracted without rounding where the quarters are few.
    const double quarter = 1.5707963267948966, quarter_rest = 6.123233995736766e-17;
    const double quarters = rint(angle * 0.6366197723675814);
    double x = fma(-quarters, quarter, angle);
    x = fma(-quarters, quarter_rest, x);
    const double square = x * x;
    // Taylor's series on [-π/4, π/4]: what is left out is less than 10⁻²⁰.
    double odd = 1 / 355687428096000.0;
    odd = fma(odd, square, -1 / 1307674368000.0);
    odd = fma(odd, square, 1 / 6227020800.0);
    odd = fma(odd, square, -1 / 39916800.0);
    odd = fma(odd, square, 1 / 362880.0);
    odd = fma(odd, square, -1 / 5040.0);
    odd = fma(odd, square, 1 / 120.0);
    odd = fma(odd, square, -1 / 6.0);
    odd = fma(odd * square, x, x);
    double even = -1 / 6402373705728000.0;
    even = fma(even, square, 1 / 20922789888000.0);
    even = fma(even, square, -1 / 87178291200.0);
    even = fma(even, square, 1 / 479001600.0);
    even = fma(even, square, -1 / 3628800.0);
    even = fma(even, square, 1 / 40320.0);
    even = fma(even, square, -1 / 720.0);
    even = fma(even, square, 1 / 24.0);
    even = fma(even * square, square, fma(-0.5, square, 1.0));
    const int octant = (int)quarters & 3;
    sine = octant % 2 ? even : odd;
    cosine = octant % 2 ? odd : even;
    if (octant >= 2) sine = -sine;
    if (octant == 1 || octant == 2) cosine = -cosine;
}

/// The natural logarithm of a positive normal number.
DEVICE double logarithm(double value) {
    const u64 bits = __double_as_longlong(value);
    int exponent = (int)(bits >> 52) - 1023;
    double mantissa = __longlong_as_double((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
    if (mantissa > 1.4142135623730951) {
        mantissa *= 0.5;
        exponent++;
    }
    // log(1 + f) = f − f²/2 + s·(f²/2 + R), where s = f/(2 + f) and R is what 2·artanh(s)/s − 2 is.
    const double f = mantissa - 1, s = f / (2 + f), square = s * s, half = 0.5 * f * f;
    double rest = 2 / 23.0;
    rest = fma(rest, square, 2 / 21.0);
    rest = fma(rest, square, 2 / 19.0);
    rest = fma(rest, square, 2 / 17.0);
    rest = fma(rest, square, 2 / 15.0);
    rest = fma(rest, square, 2 / 13.0);
    rest = fma(rest, square, 2 / 11.0);
    rest = fma(rest, square, 2 / 9.0);
    rest = fma(rest, square, 2 / 7.0);
    rest = fma(rest, square, 2 / 5.0);
    rest = fma(rest, square, 2 / 3.0) * square;
    // ln 2 in two parts, the first with zeros at its end.
    const double high = 6.93147180369123816490e-01, low = 1.90821492927058770002e-10;
    return fma((double)exponent, high, f - (half - fma(s, half + rest, exponent * low)));
}
