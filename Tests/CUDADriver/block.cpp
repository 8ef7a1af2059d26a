// Warps of a block between barriers, and blocks of a grid.
#include "block.h"
#include "access.h"
#include <algorithm>
#include <atomic>
#include <exception>
#include <random>
#include <thread>

LANES_BEGIN
namespace testdriver {
namespace {

/// So many instructions of one block's warps are taken for a loop without end.
constexpr uint64_t most_steps = 1ull << 31;

/// Runs a warp up to the next barrier or its end: always the lanes that are furthest behind, so that lanes that went
/// different ways meet again where the shorter way ends.
class WarpRun {
  public:
    WarpRun(Block &block, Warp &warp) : block_(block), warp_(warp), kernel_(*block.launch->kernel) {}

    uint32_t at = 0;

    void run() {
        while (warp_.live) {
            uint32_t active = choose();
            if (follow(active))
                return;
        }
    }

  private:
    Block &block_;
    Warp &warp_;
    const Kernel &kernel_;
    /// Where the next of the other lanes is.
    uint32_t others_at_ = ~0u;

    uint32_t choose() {
        at = ~0u;
        for (unsigned lane = 0; lane < warp_size; lane++)
            if (warp_.live >> lane & 1 && warp_.counters[lane] < at)
                at = warp_.counters[lane];
        uint32_t active = 0;
        others_at_ = ~0u;
        for (unsigned lane = 0; lane < warp_size; lane++) {
            if (!(warp_.live >> lane & 1))
                continue;
            if (warp_.counters[lane] == at)
                active |= 1u << lane;
            else
                others_at_ = std::min(others_at_, warp_.counters[lane]);
        }
        return active;
    }

    void leave(uint32_t lanes, uint32_t counter) {
        for (unsigned lane = 0; lane < warp_size; lane++)
            if (lanes >> lane & 1)
                warp_.counters[lane] = counter;
    }

    /// Runs until other lanes are to be looked at; true at a barrier.
    bool follow(uint32_t active) {
        for (;;) {
            const Instruction &i = kernel_.code[at];
            uint32_t mask = active;
            if (i.guarded)
                mask &= i.guard_negated ? ~warp_.predicate(i.guard) : warp_.predicate(i.guard);
            if (++block_.steps > most_steps)
                throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED, "the kernel does not end");
            switch (i.flow) {
            case Flow::next:
                if (mask)
                    i.run(warp_, i, mask);
                at++;
                break;
            case Flow::branch:
                if (mask == active) {
                    at = i.target;
                } else if (mask == 0) {
                    at++;
                } else {
                    leave(mask, i.target);
                    leave(active & ~mask, at + 1);
                    return false;
                }
                break;
            case Flow::indexed_branch: {
                auto &table = kernel_.branch_tables[i.target];
                for (unsigned lane = 0; lane < warp_size; lane++) {
                    if (!(mask >> lane & 1))
                        continue;
                    uint32_t entry = warp_.lanes<uint32_t>(i.o[0])[lane];
                    if (entry >= table.size())
                        throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED,
                                    "a branch beyond its table by " + thread_name(warp_, lane));
                    warp_.counters[lane] = table[entry];
                }
                leave(active & ~mask, at + 1);
                return false;
            }
            case Flow::exit:
                warp_.live &= ~mask;
                leave(active & ~mask, at + 1);
                return false;
            case Flow::barrier:
                arrive(i, active, mask);
                leave(active, at + 1);
                return true;
            }
            if (at >= others_at_) {
                leave(active, at);
                return false;
            }
        }
    }

    void arrive(const Instruction &i, uint32_t active, uint32_t mask) {
        if (active != warp_.live || mask != active)
            throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED, "a divergent barrier: lanes " + hexadecimal(mask) + " of warp " +
                                                           std::to_string(warp_.id) + " are at it, lanes " +
                                                           hexadecimal(warp_.live & ~mask) + " are not");
        const uint32_t *size = block_.launch->block;
        if (i.target && i.target != (size[0] * size[1] * size[2] + warp_size - 1) / warp_size * warp_size)
            throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED, "barriers of a part of a block are not known");
        if (block_.barrier_at >= 0 && block_.barrier_at != int64_t(at))
            throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED, "a divergent barrier: warp " + std::to_string(warp_.id) +
                                                           " is at this one, another warp at that of line " +
                                                           std::to_string(kernel_.lines[size_t(block_.barrier_at)]));
        block_.barrier_at = int64_t(at);
        warp_.at_barrier = true;
        if (i.a) {
            uint32_t value = i.b ? ~warp_.predicate(i.o[1]) : warp_.predicate(i.o[1]);
            block_.barrier_true += uint32_t(__builtin_popcount(value & active));
            block_.barrier_count += uint32_t(__builtin_popcount(active));
        }
    }
};

class BlockRun {
  public:
    explicit BlockRun(const Launch &launch) : launch_(launch), kernel_(*launch.kernel) {
        block_.launch = &launch;
        unsigned threads = launch.block[0] * launch.block[1] * launch.block[2];
        unsigned warps = (threads + warp_size - 1) / warp_size;
        // Registers of kernels hold anything at the start.
        size_t bytes = size_t(kernel_.register_bytes) * warps;
        block_.registers.assign(bytes + 64, 0xa5);
        size_t shift = (64 - reinterpret_cast<uintptr_t>(block_.registers.data()) % 64) % 64;
        block_.warps.resize(warps);
        for (unsigned w = 0; w < warps; w++) {
            Warp &warp = block_.warps[w];
            warp.block = &block_;
            warp.id = w;
            warp.registers = block_.registers.data() + shift + size_t(kernel_.register_bytes) * w;
            for (auto &each : kernel_.constants)
                memcpy(warp.registers + each.first, each.second.data(), each.second.size());
            warp.local.resize(size_t(kernel_.local_bytes) * warp_size);
            warp.local_state.resize(warp.local.size());
            order_.push_back(w);
        }
        size_t shared = kernel_.static_shared + launch.dynamic_shared;
        block_.shared.resize(shared);
        block_.state.resize(shared);
        block_.marks.writers.resize(shared);
        block_.marks.readers.resize(shared);
        block_.marks.writing_lanes.resize(shared);
        block_.marks.reading_lanes.resize(shared);
    }

    void run(uint64_t number) {
        block_.index[0] = uint32_t(number % launch_.grid[0]);
        block_.index[1] = uint32_t(number / launch_.grid[0] % launch_.grid[1]);
        block_.index[2] = uint32_t(number / launch_.grid[0] / launch_.grid[1]);
        start();
        std::minstd_rand random(uint32_t(launch_.seed * 2654435761u + number * 40503u) | 1);
        for (;;) {
            std::shuffle(order_.begin(), order_.end(), random);
            next_epoch();
            bool any = false;
            for (unsigned w : order_) {
                Warp &warp = block_.warps[w];
                if (!warp.live)
                    continue;
                any = true;
                run(warp);
            }
            if (!any)
                return;
            release();
        }
    }

  private:
    const Launch &launch_;
    const Kernel &kernel_;
    Block block_{};
    std::vector<unsigned> order_;

    void start() {
        unsigned threads = launch_.block[0] * launch_.block[1] * launch_.block[2];
        std::fill(block_.state.begin(), block_.state.end(), uint8_t(unwritten));
        block_.steps = 0;
        for (Warp &warp : block_.warps) {
            unsigned lanes = std::min(warp_size, threads - warp.id * warp_size);
            warp.live = lanes == warp_size ? all_lanes : (1u << lanes) - 1;
            memset(warp.counters, 0, sizeof warp.counters);
            memset(warp.committed, 0, sizeof warp.committed);
            warp.copies.clear();
            std::fill(warp.local_state.begin(), warp.local_state.end(), uint8_t(unwritten));
            for (auto &each : kernel_.specials) {
                uint32_t values[warp_size];
                for (unsigned lane = 0; lane < warp_size; lane++)
                    values[lane] = special(warp, lane, Special(each.first));
                memcpy(warp.registers + each.second, values, sizeof values);
            }
        }
    }

    uint32_t special(const Warp &warp, unsigned lane, Special which) const {
        uint32_t thread = warp.id * warp_size + lane;
        const uint32_t *size = launch_.block;
        switch (which) {
        case tid_x:
            return thread % size[0];
        case tid_y:
            return thread / size[0] % size[1];
        case tid_z:
            return thread / size[0] / size[1];
        case ntid_x:
        case ntid_y:
        case ntid_z:
            return size[which - ntid_x];
        case ctaid_x:
        case ctaid_y:
        case ctaid_z:
            return block_.index[which - ctaid_x];
        case nctaid_x:
        case nctaid_y:
        case nctaid_z:
            return launch_.grid[which - nctaid_x];
        case laneid:
            return lane;
        case warpid:
            return warp.id;
        case lanemask_lt:
            return (1u << lane) - 1;
        case lanemask_le:
            return (2u << lane) - 1;
        case lanemask_eq:
            return 1u << lane;
        case lanemask_ge:
            return ~((1u << lane) - 1);
        case lanemask_gt:
            return ~((2u << lane) - 1);
        default:
            return 0;
        }
    }

    void next_epoch() {
        block_.epoch++;
        block_.barrier_at = -1;
        block_.barrier_true = block_.barrier_count = 0;
        for (Warp &warp : block_.warps)
            warp.synchronised = 1;
        if (block_.epoch < RaceMarks::epochs)
            return;
        block_.epoch = 1;
        std::fill(block_.marks.writers.begin(), block_.marks.writers.end(), uint16_t(0));
        std::fill(block_.marks.readers.begin(), block_.marks.readers.end(), uint16_t(0));
    }

    void run(Warp &warp) {
        WarpRun warp_run(block_, warp);
        try {
            warp_run.run();
        } catch (const Fault &fault) {
            size_t at = warp_run.at;
            throw Fault(fault.code, std::string(fault.what()) + "; in " + kernel_.name + ", line " +
                                        std::to_string(kernel_.lines[at]) + " `" + kernel_.texts[at] + "`, block (" +
                                        std::to_string(block_.index[0]) + "," + std::to_string(block_.index[1]) + "," +
                                        std::to_string(block_.index[2]) + ")");
        }
    }

    /// Results of bar.red, once every warp was there.
    void release() {
        if (block_.barrier_at < 0)
            return;
        const Instruction &i = kernel_.code[size_t(block_.barrier_at)];
        for (Warp &warp : block_.warps) {
            if (!warp.at_barrier)
                continue;
            warp.at_barrier = false;
            if (i.a == 1) {
                uint32_t values[warp_size];
                std::fill(values, values + warp_size, block_.barrier_true);
                put<uint32_t>(warp, i.o[0], warp.live, values);
            } else if (i.a) {
                bool yes = i.a == 2 ? block_.barrier_true == block_.barrier_count : block_.barrier_true > 0;
                uint32_t &to = warp.predicate(i.o[0]);
                to = yes ? to | warp.live : to & ~warp.live;
            }
        }
    }
};

} // namespace

namespace {

/// What threads that share out the blocks of a launch have in common.
struct Shared {
    std::atomic<int64_t> next;
    std::mutex lock;
    std::exception_ptr fault;
};

/// Any order of blocks is allowed; the last one first shows what depends on it.
void run_blocks(const Launch &launch, Shared &shared) {
    try {
        BlockRun block(launch);
        for (int64_t number; (number = --shared.next) >= 0;)
            block.run(uint64_t(number));
    } catch (...) {
        std::lock_guard<std::mutex> guard(shared.lock);
        if (!shared.fault)
            shared.fault = std::current_exception();
        shared.next = 0;
    }
}

} // namespace

void run(const Launch &launch, unsigned threads) {
    Shared shared;
    uint64_t blocks = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
    shared.next = int64_t(blocks);
    std::vector<std::thread> others;
    for (unsigned i = 1; i < threads && i < blocks; i++)
        others.emplace_back(run_blocks, std::cref(launch), std::ref(shared));
    run_blocks(launch, shared);
    for (auto &each : others)
        each.join();
    if (shared.fault)
        std::rethrow_exception(shared.fault);
}

} // namespace testdriver
LANES_END
