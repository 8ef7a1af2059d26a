// cp.async (ISA section 9.7.8.24). What a copy will write is in flight from its issue until the thread has waited for
// the group: reading or writing it meanwhile is a fault, and the data arrive only then.
#include "address.h"
#include "families.h"
#include "lanes.h"

LANES_BEGIN
namespace testdriver {
namespace {

/// a: bytes; b: whether there is a size of the source (o[2]); count: whether there is a predicate to ignore it (o[3]);
/// the addresses are o[0] + immediate (shared, of c bytes) and o[1] + target.
void run_issue(Warp &warp, const Instruction &i, uint32_t mask) {
    AsyncCopy copy;
    copy.mask = mask;
    copy.size = i.a;
    uint64_t to[warp_size];
    uint32_t ignored = i.count ? warp.predicate(i.o[3]) : 0, with_source = 0;
    for (unsigned lane = 0; lane < warp_size; lane++) {
        if (!(mask >> lane & 1))
            continue;
        uint64_t base = 0;
        memcpy(&base, warp.registers + i.o[0] + lane * i.c, i.c);
        to[lane] = base + uint64_t(i.immediate);
        copy.to[lane] = uint32_t(to[lane]);
        copy.from[lane] = warp.lanes<uint64_t>(i.o[1])[lane] + int32_t(i.target);
        uint32_t size = i.b ? warp.lanes<uint32_t>(i.o[2])[lane] : i.a;
        if (size > i.a)
            throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED, "cp.async with a source of " + std::to_string(size) +
                                                           " bytes, more than are copied, by " +
                                                           thread_name(warp, lane));
        copy.from_size[lane] = ignored >> lane & 1 ? 0 : uint8_t(size);
        copy.group[lane] = warp.committed[lane];
        if (copy.from_size[lane]) {
            with_source |= 1u << lane;
            if (copy.from[lane] % i.a)
                throw Fault(UD2M_CUDA_ERROR_MISALIGNED_ADDRESS, "cp.async from " + hexadecimal(copy.from[lane]) +
                                                                    ", which is not aligned, by " +
                                                                    thread_name(warp, lane));
        }
    }
    uint8_t *pointers[warp_size];
    resolve(warp, Space::shared, to, mask, i.a, Access::issue, pointers);
    for (unsigned lane = 0; lane < warp_size; lane++)
        if (with_source >> lane & 1 && copy.from_size[lane] < i.a) {
            // Parts of a unit are read one lane at a time, as their size is none of an access.
            for (unsigned byte = 0; byte < copy.from_size[lane]; byte++) {
                uint64_t address[warp_size];
                address[lane] = copy.from[lane] + byte;
                resolve(warp, Space::global, address, 1u << lane, 1, Access::read, pointers);
            }
            with_source &= ~(1u << lane);
        }
    resolve(warp, Space::global, copy.from, with_source, i.a, Access::read, pointers);
    warp.copies.push_back(copy);
}

void run_commit(Warp &warp, const Instruction &, uint32_t mask) {
    for (unsigned lane = 0; lane < warp_size; lane++)
        warp.committed[lane] += mask >> lane & 1;
}

/// Completes the copies of the lanes of `mask` but for the last `immediate` groups; -1: all, committed or not.
void run_wait(Warp &warp, const Instruction &i, uint32_t mask) {
    for (auto &copy : warp.copies) {
        uint32_t due = 0;
        for (unsigned lane = 0; lane < warp_size; lane++) {
            if (!(copy.mask & mask & 1u << lane))
                continue;
            if (i.immediate < 0 || copy.group[lane] + i.immediate < warp.committed[lane])
                due |= 1u << lane;
        }
        if (!due)
            continue;
        uint64_t to[warp_size];
        for (unsigned lane = 0; lane < warp_size; lane++)
            to[lane] = copy.to[lane];
        uint8_t *pointers[warp_size];
        resolve(warp, Space::shared, to, due, copy.size, Access::complete, pointers);
        for (unsigned lane = 0; lane < warp_size; lane++) {
            if (!(due >> lane & 1))
                continue;
            unsigned size = copy.from_size[lane];
            if (size) {
                auto &from = warp.block->find(copy.from[lane], size, "cp.async");
                memcpy(pointers[lane], from.data + (copy.from[lane] - from.address), size);
            }
            memset(pointers[lane] + size, 0, copy.size - size);
        }
        copy.mask &= ~due;
    }
    while (!warp.copies.empty() && warp.copies.front().mask == 0)
        warp.copies.pop_front();
}

} // namespace
} // namespace testdriver
LANES_END

namespace testdriver {

bool decode_async(Decoding &d) {
    if (d.statement.opcode[0] != "cp")
        return false;
    Instruction &r = d.result;
    d.need("async");
    if (d.take("commit_group")) {
        d.operands(0);
        r.run = run_commit;
        return true;
    }
    if (d.take("wait_all")) {
        d.operands(0);
        r.immediate = -1;
        r.run = run_wait;
        return true;
    }
    if (d.take("wait_group")) {
        d.operands(1);
        r.immediate = int64_t(d.number(0));
        r.run = run_wait;
        return true;
    }
    bool only_16 = d.take("cg");
    if (!only_16)
        d.need("ca");
    if (!d.take("shared"))
        d.need("shared::cta");
    d.need("global");
    take_hints(d);
    const Operand &from = d.operand(1);
    decode_address(d, d.operand(0), Space::shared);
    if (r.a == 0)
        d.fail("the address is constant");
    uint8_t width = r.a;
    int64_t offset = r.immediate;
    uint32_t to = r.o[15];
    decode_address(d, from, Space::global);
    if (r.a != 8 || r.immediate != int32_t(r.immediate))
        d.fail("this address is not known here");
    r.o[1] = r.o[15];
    r.target = uint32_t(r.immediate);
    r.o[0] = to;
    r.immediate = offset;
    r.c = width;
    uint64_t size = d.number(2);
    if (size != 16 && (only_16 || (size != 4 && size != 8)))
        d.fail("this size is not known");
    r.a = uint8_t(size);
    r.b = 0;
    r.count = 0;
    if (d.operand_count() == 4) {
        bool predicate = d.operand(3).kind == Operand::in_register && d.operand(3).reg.type == Type::pred;
        if (predicate) {
            r.o[3] = d.predicate(3);
            r.count = 1;
        } else {
            r.o[2] = d.source(3, Type::u32);
            r.b = 1;
        }
    } else {
        d.operands(3);
    }
    r.run = run_issue;
    return true;
}

} // namespace testdriver
