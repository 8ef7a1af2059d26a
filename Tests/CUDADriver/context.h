#pragma once
#include "block.h"
#include "memory.h"
#include "stream.h"
#include <atomic>
#include <cstdlib>

namespace testdriver {

/// A device's primary context: all that a process has on it.
struct Context {
    explicit Context(uint64_t capacity, uint64_t seed) : memory(capacity), streams(seed), seed(seed) {}

    DeviceMemory memory;
    Streams streams;
    uint64_t seed, launched = 0;
    /// The error of the first fault; every later call returns it.
    ud2m_cuda_result broken = 0;
    std::map<void *, std::shared_ptr<Stream>> stream_handles;
    std::map<void *, std::unique_ptr<Event>> events;
    std::map<void *, std::unique_ptr<Module>> modules;
    std::set<void *> functions;
    std::map<void *, std::unique_ptr<Graph>> graphs, executables;
    std::set<void *> pinned;
};

struct Device {
    unsigned retained = 0;
    std::unique_ptr<Context> context;
};

/// What the environment says, read once.
struct Settings {
    int major = 8, minor = 0, devices = 1;
    uint64_t memory = 8ull << 30, seed = 1;
    unsigned threads = 1;

    Settings() {
        if (const char *text = getenv("UD2M_TESTDRIVER_CAPABILITY"))
            sscanf(text, "%d.%d", &major, &minor);
        if (const char *text = getenv("UD2M_TESTDRIVER_DEVICES"))
            devices = atoi(text);
        if (const char *text = getenv("UD2M_TESTDRIVER_MEMORY"))
            memory = strtoull(text, nullptr, 10);
        if (const char *text = getenv("UD2M_TESTDRIVER_THREADS"))
            threads = unsigned(atoi(text));
        if (const char *text = getenv("UD2M_TESTDRIVER_SEED"))
            seed = strtoull(text, nullptr, 10);
    }
    /// Bytes of shared memory that a block may ask for.
    int shared_limit() const {
        if (major == 9 || major == 10)
            return 232448;
        return major == 8 && (minor == 0 || minor == 7) ? 166912 : 101376;
    }
};

/// The state of the driver and its lock.
struct Driver {
    std::recursive_mutex lock;
    Settings settings;
    bool initialised = false;
    std::vector<Device> devices;
    std::string fault;
    std::atomic<uint64_t> launches{0};
};

Driver &driver();

/// The calling thread's context; throws a Fault if it has none, or one after a fault.
Context &current();

/// Runs the body of a call: a Fault becomes its result.
ud2m_cuda_result call(const std::function<ud2m_cuda_result()> &body);
/// Puts work into a stream.
ud2m_cuda_result later(ud2m_cuda_stream stream, const std::function<void(Context &)> &action);
/// Runs work that was deferred: a fault in it breaks the context.
void perform(Context &context, const Action &action);

} // namespace testdriver
