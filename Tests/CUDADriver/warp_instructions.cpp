// Instructions of a warp: shfl, vote, match, redux (ISA sections 9.7.8.6 and 9.7.12). All lanes that the mask names and
// that have not exited must be there: on a device they may wait for each other for ever, or for a value that never
// comes.
#include "access.h"
#include "families.h"
#include "lanes.h"
#include <algorithm>

LANES_BEGIN
namespace testdriver {
namespace {

void check_members(Warp &warp, const Lanes<uint32_t> *members, uint32_t mask) {
    for (unsigned lane = 0; lane < warp_size; lane++) {
        if (!(mask >> lane & 1))
            continue;
        if (!(members[lane] >> lane & 1))
            throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED,
                        "the mask of lanes does not name " + thread_name(warp, lane) + ", which runs the instruction");
        uint32_t missing = members[lane] & warp.live & ~mask;
        if (missing)
            throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED, "the mask of lanes names " +
                                                           thread_name(warp, unsigned(__builtin_ctz(missing))) +
                                                           ", which does not run the instruction");
    }
}

enum Shuffle : uint8_t { up, down, butterfly, index };

/// shfl (ISA section 9.7.8.6); o: result, predicate, value, lane or distance, clamp and segment, members.
void run_shuffle(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<uint32_t> *value = warp.lanes<uint32_t>(i.o[2]), *by = warp.lanes<uint32_t>(i.o[3]),
                          *control = warp.lanes<uint32_t>(i.o[4]);
    check_members(warp, warp.lanes<uint32_t>(i.o[5]), mask);
    uint32_t result[warp_size], inside = 0;
    for (unsigned lane = 0; lane < warp_size; lane++) {
        int distance = int(by[lane] & 31), clamp = int(control[lane] & 31), segment = int(control[lane] >> 8 & 31);
        int most = (int(lane) & segment) | (clamp & ~segment), least = int(lane) & segment, from = 0;
        bool good = false;
        switch (i.a) {
        case up:
            from = int(lane) - distance;
            good = from >= most;
            break;
        case down:
            from = int(lane) + distance;
            good = from <= most;
            break;
        case butterfly:
            from = int(lane) ^ distance;
            good = from <= most;
            break;
        case index:
            from = least | (distance & ~segment);
            good = from <= most;
            break;
        }
        if (!good)
            from = int(lane);
        inside |= uint32_t(good) << lane;
        // A lane that does not run it gives nothing that may be used.
        result[lane] = mask >> from & 1 ? value[from] : 0xdeadbeef;
    }
    put<uint32_t>(warp, i.o[0], mask, result);
    uint32_t &to = warp.predicate(i.o[1]);
    to = (to & ~mask) | (inside & mask);
}

enum Vote : uint8_t { all, any, uniform, ballot };

void run_vote(Warp &warp, const Instruction &i, uint32_t mask) {
    uint32_t source = i.b == 2 ? ~0u : i.b ? ~warp.predicate(i.o[1]) : warp.predicate(i.o[1]);
    check_members(warp, warp.lanes<uint32_t>(i.o[2]), mask);
    uint32_t yes = source & mask;
    if (i.a == ballot) {
        uint32_t result[warp_size];
        for (unsigned lane = 0; lane < warp_size; lane++)
            result[lane] = yes;
        put<uint32_t>(warp, i.o[0], mask, result);
        return;
    }
    bool result = i.a == all ? yes == mask : i.a == any ? yes != 0 : yes == 0 || yes == mask;
    uint32_t &to = warp.predicate(i.o[0]);
    to = result ? to | mask : to & ~mask;
}

void run_activemask(Warp &warp, const Instruction &i, uint32_t mask) {
    uint32_t result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++)
        result[lane] = mask;
    put<uint32_t>(warp, i.o[0], mask, result);
}

void run_warp_barrier(Warp &warp, const Instruction &i, uint32_t mask) {
    check_members(warp, warp.lanes<uint32_t>(i.o[0]), mask);
    if (++warp.synchronised < RaceMarks::epochs)
        return;
    auto &marks = warp.block->marks;
    std::fill(marks.writing_lanes.begin(), marks.writing_lanes.end(), uint16_t(0));
    std::fill(marks.reading_lanes.begin(), marks.reading_lanes.end(), uint16_t(0));
    warp.synchronised = 1;
}

enum Reduction : uint8_t { add, minimum, maximum, bit_and, bit_or, bit_xor };

template <class T> void run_reduction(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<T> *value = warp.lanes<T>(i.o[1]);
    check_members(warp, warp.lanes<uint32_t>(i.o[2]), mask);
    T total = value[__builtin_ctz(mask)];
    for (unsigned lane = unsigned(__builtin_ctz(mask)) + 1; lane < warp_size; lane++) {
        if (!(mask >> lane & 1))
            continue;
        T each = value[lane];
        switch (i.a) {
        case add:
            total = T(uint32_t(total) + uint32_t(each));
            break;
        case minimum:
            total = each < total ? each : total;
            break;
        case maximum:
            total = each > total ? each : total;
            break;
        case bit_and:
            total &= each;
            break;
        case bit_or:
            total |= each;
            break;
        case bit_xor:
            total ^= each;
            break;
        }
    }
    T result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++)
        result[lane] = total;
    put<T>(warp, i.o[0], mask, result);
}

/// match.any: the lanes with the same value.
template <class T> void run_match(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<T> *value = warp.lanes<T>(i.o[1]);
    check_members(warp, warp.lanes<uint32_t>(i.o[2]), mask);
    uint32_t result[warp_size] = {};
    for (unsigned lane = 0; lane < warp_size; lane++)
        for (unsigned other = 0; other < warp_size; other++)
            if (mask >> other & 1 && value[lane] == value[other])
                result[lane] |= 1u << other;
    put<uint32_t>(warp, i.o[0], mask, result);
}

} // namespace
} // namespace testdriver
LANES_END

namespace testdriver {

static void decode_shuffle(Decoding &d) {
    d.need("sync");
    d.result.a = d.take("up") ? up : d.take("down") ? down : d.take("bfly") ? butterfly : index;
    if (d.result.a == index)
        d.need("idx");
    d.need("b32");
    size_t results = d.operand_count() == 6 ? 2 : 1;
    d.operands(4 + results);
    d.result.o[0] = d.destination(0, Type::b32);
    d.result.o[1] = results == 2 ? d.predicate(1) : d.builder.new_register(Type::pred).offset;
    for (unsigned i = 0; i < 4; i++)
        d.result.o[2 + i] = d.source(results + i, Type::b32);
    d.result.run = run_shuffle;
}

static void decode_vote(Decoding &d) {
    d.need("sync");
    d.result.a = d.take("all") ? all : d.take("any") ? any : d.take("uni") ? uniform : ballot;
    d.operands(3);
    if (d.result.a == ballot) {
        d.need("ballot");
        d.need("b32");
        d.result.o[0] = d.destination(0, Type::b32);
    } else {
        d.need("pred");
        d.result.o[0] = d.predicate(0);
    }
    if (d.operand(1).kind == Operand::number) {
        if (d.number(1) == 0)
            d.fail("this form is not known");
        d.result.b = 2;
    } else {
        bool negated = false;
        d.result.o[1] = d.predicate(1, &negated);
        d.result.b = negated;
    }
    d.result.o[2] = d.source(2, Type::b32);
    d.result.run = run_vote;
}

bool decode_warp(Decoding &d) {
    const std::string &name = d.statement.opcode[0];
    if (name == "shfl") {
        decode_shuffle(d);
    } else if (name == "vote") {
        decode_vote(d);
    } else if (name == "activemask") {
        d.need("b32");
        d.operands(1);
        d.result.o[0] = d.destination(0, Type::b32);
        d.result.run = run_activemask;
    } else if (name == "redux") {
        d.need("sync");
        static const char *const names[] = {"add", "min", "max", "and", "or", "xor"};
        bool found = false;
        for (uint8_t each = 0; each < 6; each++)
            if (d.take(names[each])) {
                d.result.a = each;
                found = true;
            }
        if (!found)
            d.fail("this operation is not known");
        Type type = d.take_type();
        d.operands(3);
        d.result.o[0] = d.destination(0, type);
        d.result.o[1] = d.source(1, type);
        d.result.o[2] = d.source(2, Type::b32);
        if (width_of(type) == 4 && !is_float(type))
            d.result.run = type == Type::s32 ? run_reduction<int32_t> : run_reduction<uint32_t>;
    } else if (name == "match") {
        d.need("any");
        d.need("sync");
        Type type = d.take_type();
        d.operands(3);
        d.result.o[0] = d.destination(0, Type::b32);
        d.result.o[1] = d.source(1, type);
        d.result.o[2] = d.source(2, Type::b32);
        if (type == Type::b32)
            d.result.run = run_match<uint32_t>;
        if (type == Type::b64)
            d.result.run = run_match<uint64_t>;
    } else if (name == "bar" && d.take("warp")) {
        d.need("sync");
        d.operands(1);
        d.result.o[0] = d.source(0, Type::b32);
        d.result.run = run_warp_barrier;
    } else {
        return false;
    }
    return true;
}

} // namespace testdriver
