#pragma once

#include "ud2m_types.h"
#include <string.h>

/// Bytes of one element.
static inline size_t element_size(ud2m_element element) { return element == UD2M_ELEMENT_F32 ? 4 : 2; }

static inline float float_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/// IEEE binary16 to binary32 without half-precision instructions; exact, subnormals and NaN payloads included.
static inline float float_from_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t magnitude = half & 0x7fff;
    if (magnitude >= 0x7c00)
        return float_from_bits(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    // Shifted into place, the exponent is short by 127 - 15; multiplying by 2^112 adds it and normalises subnormals.
    float scaled = float_from_bits(magnitude << 13) * 0x1p112f;
    return sign ? -scaled : scaled;
}

/// IEEE binary32 to binary16, to nearest with ties to even; subnormals, infinities and NaN included.
static inline uint16_t half_from_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));
    // Below the smallest normal half, adding ½ puts the units of a subnormal half in the last mantissa bits.
    float rounded = float_from_bits(magnitude) + 0.5f;
    uint32_t subnormal;
    memcpy(&subnormal, &rounded, sizeof subnormal);
    uint32_t normal = (magnitude + 0xfff + (magnitude >> 13 & 1)) - ((127 - 15) << 23);
    uint32_t half = magnitude < (127 - 14) << 23 ? subnormal - 0x3f000000 : normal >> 13;
    return (uint16_t)(sign | (magnitude >= 0x47800000 || half > 0x7c00 ? 0x7c00 : half));
}

/// Element `index` of an unaligned array, widened.
static inline float element_at(const void *source, ud2m_element element, size_t index) {
    const uint8_t *bytes = (const uint8_t *)source + index * element_size(element);
    if (element == UD2M_ELEMENT_F32) {
        float value;
        memcpy(&value, bytes, sizeof value);
        return value;
    }
    uint16_t bits;
    memcpy(&bits, bytes, sizeof bits);
    return element == UD2M_ELEMENT_F16 ? float_from_half(bits) : float_from_bits((uint32_t)bits << 16);
}
