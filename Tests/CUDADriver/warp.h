#pragma once
#include "memory.h"
#include "program.h"
#include <cstring>
#include <deque>
#include <mutex>

namespace testdriver {

/// x86-64 code of the lanes is made for AVX2 with FMA and F16C, as no compiler option can be given for it; cuInit looks
/// whether the processor has them. clang applies it to functions that are declared up to the end; so no lambdas there.
#if defined(__x86_64__)
#define LANES_BEGIN                                                                                                    \
    _Pragma("clang attribute push(__attribute__((target(\"avx2,fma,f16c,popcnt,lzcnt,bmi\"))), apply_to = function)")
#define LANES_END _Pragma("clang attribute pop")
#else
#define LANES_BEGIN
#define LANES_END
#endif

constexpr unsigned warp_size = 32;
constexpr uint32_t all_lanes = ~0u;

/// A register's lanes are seen as values of several types.
template <class T> struct Aliased {
    typedef T type __attribute__((may_alias));
};
template <class T> using Lanes = typename Aliased<T>::type;

/// What blocks of one launch share.
struct Launch {
    const Kernel *kernel;
    DeviceMemory *memory;
    uint32_t grid[3], block[3];
    uint32_t dynamic_shared;
    std::vector<uint8_t> parameters;
    /// Held by each atomic access to device memory.
    mutable std::mutex atomics;
    uint64_t seed;
};

struct Block;

/// One cp.async instruction that was issued: copies of `size` bytes by some lanes (ISA section 9.7.8.24).
struct AsyncCopy {
    uint32_t mask;
    uint8_t size;
    uint32_t to[warp_size];
    uint64_t from[warp_size];
    uint8_t from_size[warp_size];
    uint32_t group[warp_size];
};

struct Warp {
    Block *block;
    uint8_t *registers;
    uint32_t id;
    /// Lanes that have not exited.
    uint32_t live;
    uint32_t counters[warp_size];
    bool at_barrier;
    /// Of bar.warp.sync since the barrier of the block, starting at 1.
    uint16_t synchronised;
    std::deque<AsyncCopy> copies;
    /// How many cp.async groups each lane has committed.
    uint32_t committed[warp_size];
    /// Local memory, one lane after the other, and its states.
    std::vector<uint8_t> local, local_state;

    template <class T> Lanes<T> *lanes(uint32_t offset) { return reinterpret_cast<Lanes<T> *>(registers + offset); }
    uint32_t &predicate(uint32_t offset) { return *reinterpret_cast<Aliased<uint32_t>::type *>(registers + offset); }
};

/// Marks of the race detector, for every byte of shared memory: who accessed it since the last barrier. The upper bits
/// are the number of the barrier, so that a barrier need not clear them.
struct RaceMarks {
    static constexpr uint16_t many = 32, atomic = 33, per_epoch = 64, epochs = 1024;
    std::vector<uint16_t> writers, readers;
    /// Which lane of that warp it was (`many` and `atomic` as well), and in the upper bits how often the warp had
    /// synchronised its lanes since the barrier: lanes do not see each other's accesses before they do.
    std::vector<uint16_t> writing_lanes, reading_lanes;
};

struct Block {
    const Launch *launch;
    uint32_t index[3];
    std::vector<uint8_t> shared, state;
    RaceMarks marks;
    /// Of the barriers passed, modulo RaceMarks::epochs, starting at 1.
    uint16_t epoch;
    std::vector<Warp> warps;
    std::vector<uint8_t> registers;
    /// bar.red: what the lanes brought to the barrier.
    uint32_t barrier_true, barrier_count;
    /// Barrier instructions that lanes wait at must be the same.
    int64_t barrier_at;
    uint64_t steps;
    /// The last allocation that was found, for the next access.
    mutable const Allocation *recent = nullptr;

    const Allocation &find(uint64_t address, uint64_t size, const char *what) const {
        if (recent) {
            uint64_t offset = address - recent->address;
            if (offset <= recent->size && size <= recent->size - offset)
                return *recent;
        }
        recent = &launch->memory->find(address, size, what);
        return *recent;
    }
    uint16_t tag(uint16_t who) const { return uint16_t(epoch * RaceMarks::per_epoch + who); }
};

/// Puts `values` into the lanes of `mask`.
template <class T> static inline void put(Warp &warp, uint32_t offset, uint32_t mask, const T *values) {
    Lanes<T> *to = warp.lanes<T>(offset);
    if (mask == all_lanes) {
        memcpy(to, values, warp_size * sizeof(T));
        return;
    }
    for (unsigned lane = 0; lane < warp_size; lane++)
        to[lane] = mask >> lane & 1 ? values[lane] : to[lane];
}

} // namespace testdriver
