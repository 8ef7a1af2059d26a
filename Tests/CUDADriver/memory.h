#pragma once
#include "fault.h"
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace testdriver {

/// What is known of each byte of device and shared memory.
enum ByteState : uint8_t {
    /// Never written: reading it is a fault.
    unwritten = 0,
    written = 1,
    /// A cp.async copy to it was not waited for: reading and writing it are faults.
    in_flight = 2,
};

struct Allocation {
    uint64_t address, size;
    uint8_t *data, *state;
    bool constant;
};

/// Device memory: every allocation has its own range of addresses, far from others and never used again, so that what
/// runs off the end of one or outlives it is found. Addresses are not those of the host.
class DeviceMemory {
  public:
    explicit DeviceMemory(uint64_t capacity) : capacity_(capacity) {}
    ~DeviceMemory();
    DeviceMemory(const DeviceMemory &) = delete;

    /// 0 if there is not enough left.
    uint64_t allocate(uint64_t size, bool constant = false);
    bool release(uint64_t address);
    /// The allocation that holds the range; throws a Fault that says `what` was done.
    const Allocation &find(uint64_t address, uint64_t size, const char *what) const;

    void copy_in(uint64_t to, const void *from, uint64_t size);
    void copy_out(void *to, uint64_t from, uint64_t size) const;
    /// Bytes that were never written stay so in the copy.
    void copy(uint64_t to, uint64_t from, uint64_t size);
    void fill(uint64_t to, uint32_t value, unsigned width, uint64_t count);
    /// Makes what was written unwritten again.
    void poison(uint64_t address, uint64_t size);

    uint64_t used() const { return used_; }
    uint64_t capacity() const { return capacity_; }

  private:
    std::map<uint64_t, Allocation> allocations_;
    uint64_t next_ = 0x7000'0000'0000, used_ = 0, capacity_;
};

std::string hexadecimal(uint64_t value);

} // namespace testdriver
