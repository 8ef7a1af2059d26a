#pragma once
// Reading maps: where a slot's part is, and a value or eight of them after the map's transforms.

#include "element.cuh"

/// The part that a slot of a map lies in.
struct PartSlot {
    int part;
    /// Within the part.
    int channel;
    /// Channels of the parts before.
    int first_channel;
};

DEVICE PartSlot part_of(const ud2m_cuda_map &map, int slot) {
    PartSlot result = {0, slot, 0};
    while (result.part + 1 < map.part_count && result.channel >= map.parts[result.part].stride) {
        result.channel -= map.parts[result.part].stride;
        result.first_channel += map.parts[result.part].channels;
        result.part++;
    }
    return result;
}

DEVICE int slots_before(const ud2m_cuda_map &map, int part) {
    int slots = 0;
    for (int i = 0; i < part; i++) slots += map.parts[i].stride;
    return slots;
}

DEVICE int map_height(const ud2m_cuda_map &map) { return map.upsampled ? 2 * map.height : map.height; }

DEVICE int map_width(const ud2m_cuda_map &map) { return map.upsampled ? 2 * map.width : map.width; }

/// The index in a part's buffer of a pixel of the map as it is read.
DEVICE long long pixel_index(const ud2m_cuda_map &map, int image, int y, int x) {
    const int shift = map.upsampled ? 1 : 0;
    return ((long long)image * map.height + (y >> shift)) * map.width + (x >> shift);
}

/// One value; `slot` counts over all parts.
template <class Element>
DEVICE float map_value(const ud2m_cuda_map &map, PartSlot place, int slot, int image, int y, int x) {
    const ud2m_cuda_part &part = map.parts[place.part];
    float value = to_float(((const Element *)part.data)[pixel_index(map, image, y, x) * part.stride + place.channel]);
    if (map.scale) {
        const long long index = (long long)image * map.coefficient_stride + slot;
        value = map.scale[index] * value + map.shift[index];
    }
    activate_all<Element, 1>(&value, map.activation, map.slope);
    return value;
}

/// Transforms eight values of neighbouring slots; `scale` and `shift` are null or point at the first one's.
template <class Element>
DEVICE void transform(float *values, const float *scale, const float *shift, int activation, float slope) {
    if (scale) {
        float scales[8], shifts[8];
        Eight<float>::load(scale).unpack(scales);
        Eight<float>::load(shift).unpack(shifts);
#pragma unroll
        for (int i = 0; i < 8; i++) values[i] = scales[i] * values[i] + shifts[i];
    }
    activate_all<Element, 8>(values, activation, slope);
}

/// Eight values of a part from `channel` on, of which those in padding are zero whatever the transforms make of them;
/// `slot` is the first one's, over all parts.
template <class Element>
DEVICE void map_values(
    float *values, const ud2m_cuda_map &map, const ud2m_cuda_part &part, int channel, int slot, int image, int y, int x
) {
    Eight<Element>::load((const Element *)part.data + pixel_index(map, image, y, x) * part.stride + channel).unpack(values);
    const long long coefficients = (long long)image * map.coefficient_stride + slot;
    transform<Element>(
        values, map.scale ? map.scale + coefficients : nullptr, map.scale ? map.shift + coefficients : nullptr,
        map.activation, map.slope);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        if (channel + i >= part.channels) values[i] = 0;
    }
}
