#pragma once
// Where a block of an attention kernel finds a head's queries, keys or values.

#include "element.cuh"

/// What one head of one image reads: a row of `stride` elements a position.
template <class Element> struct AttentionSource {
    const Element *data;
    int stride;

    DEVICE AttentionSource of(const ud2m_cuda_part &part, int offset, const ud2m_cuda_attention &task, int head) {
        const long long first = (long long)blockIdx.z * task.positions * part.stride;
        return {(const Element *)part.data + first + offset + (long long)head * task.head_step, part.stride};
    }
};
