#include "access.h"

LANES_BEGIN
namespace testdriver {

std::string thread_name(const Warp &warp, unsigned lane) {
    const uint32_t *size = warp.block->launch->block;
    uint32_t index = warp.id * warp_size + lane;
    return "thread (" + std::to_string(index % size[0]) + "," + std::to_string(index / size[0] % size[1]) + "," +
           std::to_string(index / size[0] / size[1]) + ")";
}

namespace {

const char *name_of(Access access) {
    switch (access) {
    case Access::read:
        return "read";
    case Access::update:
        return "atomic access";
    case Access::issue:
        return "cp.async";
    default:
        return "write";
    }
}

[[noreturn]] void out_of_bounds(Warp &warp, unsigned lane, const char *space, uint64_t address, uint64_t size,
                                Access access, uint64_t limit) {
    throw Fault(UD2M_CUDA_ERROR_ILLEGAL_ADDRESS, std::string(name_of(access)) + " of " + std::to_string(size) +
                                                     " bytes at " + std::to_string(int64_t(address)) + " of " + space +
                                                     " memory, which has " + std::to_string(limit) + " bytes, by " +
                                                     thread_name(warp, lane));
}

/// The first byte of a state that must not be accessed so, or `size`.
uint64_t first_bad(const uint8_t *state, uint64_t size, Access access) {
    uint8_t bad = 0;
    if (access == Access::read || access == Access::update) {
        for (uint64_t i = 0; i < size; i++)
            bad |= state[i] ^ written;
    } else {
        for (uint64_t i = 0; i < size; i++)
            bad |= state[i] & in_flight;
    }
    if (!bad)
        return size;
    uint64_t i = 0;
    if (access == Access::read || access == Access::update) {
        while (state[i] == written)
            i++;
    } else {
        while (!(state[i] & in_flight))
            i++;
    }
    return i;
}

[[noreturn]] void bad_state(Warp &warp, unsigned lane, const char *space, uint64_t at, uint8_t state, Access access) {
    std::string where = std::string(space) + " memory, byte " + std::to_string(at) + ", by " + thread_name(warp, lane);
    if (state == in_flight)
        throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED,
                    std::string(name_of(access)) +
                        " of bytes that a cp.async is writing and that was not waited for: " + where);
    throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED,
                std::string(name_of(access)) + " of bytes that were never written: " + where);
}

[[noreturn]] void race(Warp &warp, unsigned lane, uint64_t at, Access access, uint16_t other, const char *did) {
    uint16_t who = other % RaceMarks::per_epoch;
    std::string by = who == RaceMarks::many     ? "several warps"
                     : who == RaceMarks::atomic ? "an atomic instruction"
                                                : "warp " + std::to_string(who);
    throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED, std::string("race in shared memory: ") + name_of(access) + " of byte " +
                                                   std::to_string(at) + " by " + thread_name(warp, lane) + " of warp " +
                                                   std::to_string(warp.id) + ", which " + by + " " + did +
                                                   " since the last barrier");
}

/// Whether the mark is of this barrier's epoch and of somebody else.
bool foreign(uint16_t mark, uint16_t epoch, uint16_t own) {
    return (mark / RaceMarks::per_epoch == epoch) & (mark != own);
}

void note_read(Warp &warp, unsigned lane, uint64_t at, uint64_t size) {
    Block &block = *warp.block;
    uint16_t own = block.tag(uint16_t(warp.id)), many = block.tag(RaceMarks::many), epoch = block.epoch;
    uint16_t *writers = &block.marks.writers[at], *readers = &block.marks.readers[at];
    uint16_t bad = 0;
    for (uint64_t i = 0; i < size; i++) {
        bad |= uint16_t(foreign(writers[i], epoch, own) ? 1 : 0);
        readers[i] = foreign(readers[i], epoch, own) ? many : own;
    }
    if (!bad)
        return;
    for (uint64_t i = 0; i < size; i++)
        if (foreign(writers[i], epoch, own))
            race(warp, lane, at + i, Access::read, writers[i], "wrote");
}

void note_write(Warp &warp, unsigned lane, uint64_t at, uint64_t size, Access access) {
    Block &block = *warp.block;
    bool atomic = access == Access::update && block.warps.size() > 1;
    // Atomic accesses do not race with each other.
    uint16_t own = block.tag(uint16_t(warp.id)), mine = atomic ? block.tag(RaceMarks::atomic) : own,
             epoch = block.epoch;
    uint16_t *writers = &block.marks.writers[at], *readers = &block.marks.readers[at];
    uint16_t bad = 0;
    for (uint64_t i = 0; i < size; i++) {
        bool other = foreign(writers[i], epoch, own) && writers[i] != mine;
        bad |= uint16_t((other || foreign(readers[i], epoch, own)) ? 1 : 0);
    }
    if (bad) {
        for (uint64_t i = 0; i < size; i++) {
            if (foreign(writers[i], epoch, own) && writers[i] != mine)
                race(warp, lane, at + i, access, writers[i], "wrote");
            if (foreign(readers[i], epoch, own))
                race(warp, lane, at + i, access, readers[i], "read");
        }
    }
    for (uint64_t i = 0; i < size; i++)
        writers[i] = mine;
}

/// Bytes of shared memory that lanes side by side access, `unit` bytes each, or (`together`) all of them the same.
struct Range {
    uint64_t at, size;
    unsigned lane, unit;
    bool together;
};

[[noreturn]] void lane_race(const Warp &warp, const Range &range, uint64_t byte, Access access, uint16_t mark,
                            const char *did) {
    uint16_t who = mark % RaceMarks::per_epoch;
    std::string by = who == RaceMarks::many ? "several lanes" : "lane " + std::to_string(who);
    throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED, std::string("race in shared memory between lanes of a warp: ") +
                                                   name_of(access) + " of byte " + std::to_string(range.at + byte) +
                                                   " by " +
                                                   thread_name(warp, range.lane + unsigned(byte / range.unit)) +
                                                   ", which " + by + " " + did + " since the last __syncwarp");
}

/// Whether another lane of the warp has the mark since its lanes were synchronised.
bool other_lane(uint16_t owner, uint16_t own, uint16_t mark, uint16_t synchronised, uint16_t lane) {
    uint16_t who = mark % RaceMarks::per_epoch;
    return (owner == own) & (mark / RaceMarks::per_epoch == synchronised) & (who != lane) & (who != RaceMarks::atomic);
}

/// Looked at before any lane of the instruction is noted: lanes that write to one place in one instruction do not race.
/// The size of a lane's part is known when it is compiled, as this is where most of the time goes.
template <unsigned unit> void check_lanes(Warp &warp, const Range &range, Access access) {
    Block &block = *warp.block;
    uint16_t own = block.tag(uint16_t(warp.id)), synchronised = warp.synchronised;
    const uint16_t *writers = &block.marks.writers[range.at], *readers = &block.marks.readers[range.at];
    const uint16_t *writing = &block.marks.writing_lanes[range.at], *reading = &block.marks.reading_lanes[range.at];
    uint16_t writes = access != Access::read;
    for (uint64_t first = 0; first < range.size; first += unit) {
        uint16_t lane = range.together ? RaceMarks::many : uint16_t(range.lane + first / unit), bad = 0;
        for (unsigned i = 0; i < unit; i++) {
            bad |= other_lane(writers[first + i], own, writing[first + i], synchronised, lane);
            bad |= writes & other_lane(readers[first + i], own, reading[first + i], synchronised, lane);
        }
        if (!bad)
            continue;
        for (uint64_t i = first; i < first + unit; i++) {
            if (other_lane(writers[i], own, writing[i], synchronised, lane))
                lane_race(warp, range, i, access, writing[i], "wrote");
            if (writes && other_lane(readers[i], own, reading[i], synchronised, lane))
                lane_race(warp, range, i, access, reading[i], "read");
        }
    }
}

template <unsigned unit> void note_lanes(Warp &warp, const Range &range, Access access) {
    Block &block = *warp.block;
    uint16_t base = uint16_t(warp.synchronised * RaceMarks::per_epoch), own = block.tag(uint16_t(warp.id));
    uint16_t several = uint16_t(base + RaceMarks::many), synchronised = warp.synchronised;
    uint16_t *writing = &block.marks.writing_lanes[range.at], *reading = &block.marks.reading_lanes[range.at];
    const uint16_t *readers = &block.marks.readers[range.at];
    for (uint64_t first = 0; first < range.size; first += unit) {
        uint16_t lane = range.together ? RaceMarks::many : uint16_t(range.lane + first / unit);
        uint16_t mark = uint16_t(base + (access == Access::update ? RaceMarks::atomic : lane)), marks[unit];
        if (access == Access::read) {
            for (unsigned i = 0; i < unit; i++)
                marks[i] = other_lane(readers[first + i], own, reading[first + i], synchronised, lane) ? several : mark;
            memcpy(reading + first, marks, sizeof marks);
        } else {
            for (unsigned i = 0; i < unit; i++)
                marks[i] = mark;
            memcpy(writing + first, marks, sizeof marks);
        }
    }
}

using OnLanes = void (*)(Warp &, const Range &, Access);
struct LaneRaces {
    OnLanes check, note;
};
LaneRaces lane_races(unsigned unit) {
    switch (unit) {
    case 1:
        return {check_lanes<1>, note_lanes<1>};
    case 2:
        return {check_lanes<2>, note_lanes<2>};
    case 4:
        return {check_lanes<4>, note_lanes<4>};
    case 8:
        return {check_lanes<8>, note_lanes<8>};
    default:
        return {check_lanes<16>, note_lanes<16>};
    }
}

/// Looks at a range of shared memory. It is noted after those of the other lanes were looked at.
uint8_t *resolve_shared(Warp &warp, const Range &range, Access access) {
    Block &block = *warp.block;
    uint64_t limit = block.shared.size();
    if (range.at > limit || range.size > limit - range.at)
        out_of_bounds(warp, range.lane, "shared", range.at, range.size, access, limit);
    if (access != Access::complete) {
        const uint8_t *state = &block.state[range.at];
        uint64_t bad = first_bad(state, range.size, access);
        if (bad < range.size)
            bad_state(warp, range.lane + unsigned(range.together ? 0 : bad / range.unit), "shared", range.at + bad,
                      state[bad], access);
    }
    if (access != Access::update)
        lane_races(range.unit).check(warp, range, access);
    return &block.shared[range.at];
}

void note_shared(Warp &warp, const Range &range, Access access) {
    lane_races(range.unit).note(warp, range, access);
    if (access == Access::read) {
        note_read(warp, range.lane, range.at, range.size);
    } else {
        note_write(warp, range.lane, range.at, range.size, access);
        memset(&warp.block->state[range.at], access == Access::issue ? in_flight : written, range.size);
    }
}

uint8_t *resolve_global(Warp &warp, unsigned lane, uint64_t address, uint64_t size, unsigned unit, Access access) {
    const Allocation *found;
    try {
        found = &warp.block->find(address, size, name_of(access));
    } catch (const Fault &fault) {
        throw Fault(fault.code, std::string(fault.what()) + ", by " + thread_name(warp, lane));
    }
    uint64_t at = address - found->address;
    uint8_t *state = found->state + at;
    if (access != Access::write) {
        uint64_t bad = first_bad(state, size, access);
        if (bad < size)
            bad_state(warp, lane + unsigned(bad / unit), "device", at + bad, state[bad], access);
    }
    if (access != Access::read) {
        if (found->constant)
            throw Fault(UD2M_CUDA_ERROR_ILLEGAL_ADDRESS, "write to constant memory by " + thread_name(warp, lane));
        memset(state, written, size);
    }
    return found->data + at;
}

uint8_t *resolve_local(Warp &warp, unsigned lane, uint64_t at, uint64_t size, Access access) {
    uint64_t limit = warp.block->launch->kernel->local_bytes;
    if (at > limit || size > limit - at)
        out_of_bounds(warp, lane, "local", at, size, access, limit);
    uint64_t from = lane * limit + at;
    uint8_t *state = &warp.local_state[from];
    if (access == Access::read) {
        uint64_t bad = first_bad(state, size, access);
        if (bad < size)
            bad_state(warp, lane, "local", at + bad, state[bad], access);
    } else {
        memset(state, written, size);
    }
    return &warp.local[from];
}

Space space_of(uint64_t &address) {
    if (address >= shared_window && address - shared_window < window_size) {
        address -= shared_window;
        return Space::shared;
    }
    if (address >= local_window && address - local_window < window_size) {
        address -= local_window;
        return Space::local;
    }
    return Space::global;
}

} // namespace

void resolve(Warp &warp, Space space, const uint64_t *addresses, uint32_t mask, unsigned size, Access access,
             uint8_t **pointers) {
    Range ranges[warp_size];
    unsigned count = 0;
    for (unsigned lane = 0; lane < warp_size;) {
        if (!(mask >> lane & 1)) {
            lane++;
            continue;
        }
        uint64_t address = addresses[lane];
        if (address % size)
            throw Fault(UD2M_CUDA_ERROR_MISALIGNED_ADDRESS,
                        std::string(name_of(access)) + " of " + std::to_string(size) + " bytes at " +
                            hexadecimal(address) + ", which is not aligned, by " + thread_name(warp, lane));
        Space where = space == Space::generic ? space_of(address) : space;
        // Lanes side by side whose addresses follow each other are looked up once; so are those at one address.
        unsigned end = lane + 1;
        uint64_t step = 0;
        if (where != Space::local && access != Access::update && end < warp_size && mask >> end & 1) {
            step = addresses[end] - addresses[lane];
            if (step == size || (step == 0 && access == Access::read)) {
                while (end < warp_size && mask >> end & 1 && addresses[end] == addresses[lane] + (end - lane) * step)
                    end++;
            } else {
                step = 0;
            }
        }
        uint64_t bytes = step ? size * (end - lane) : size;
        uint8_t *pointer = nullptr;
        bool whole = true;
        if (where == Space::global && bytes > size) {
            // What runs over the end is told lane by lane.
            const Allocation *recent = warp.block->recent;
            uint64_t offset = recent ? address - recent->address : 0;
            whole = recent && offset <= recent->size && bytes <= recent->size - offset;
            if (!whole)
                end = lane + 1, bytes = size;
        }
        switch (where) {
        case Space::shared:
            ranges[count] = {address, bytes, lane, size, step == 0 && end > lane + 1};
            pointer = resolve_shared(warp, ranges[count++], access);
            break;
        case Space::local:
            pointer = resolve_local(warp, lane, address, bytes, access);
            break;
        case Space::parameter: {
            auto &parameters = warp.block->launch->parameters;
            if (address > parameters.size() || bytes > parameters.size() - address)
                out_of_bounds(warp, lane, "parameter", address, bytes, access, parameters.size());
            pointer = const_cast<uint8_t *>(&parameters[address]);
            break;
        }
        default:
            pointer = resolve_global(warp, lane, address, bytes, size, access);
        }
        for (; lane < end; lane++, pointer += step)
            pointers[lane] = pointer;
    }
    for (unsigned i = 0; i < count; i++)
        note_shared(warp, ranges[i], access);
}

} // namespace testdriver
LANES_END
