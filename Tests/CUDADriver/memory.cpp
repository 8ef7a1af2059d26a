#include "memory.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace testdriver {

std::string hexadecimal(uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "0x%llx", (unsigned long long)value);
    return text;
}

DeviceMemory::~DeviceMemory() {
    for (auto &each : allocations_) {
        free(each.second.data);
        free(each.second.state);
    }
}

uint64_t DeviceMemory::allocate(uint64_t size, bool constant) {
    if (size == 0 || size > capacity_ - used_)
        return 0;
    // calloc: pages that are never touched cost nothing.
    auto *data = (uint8_t *)calloc(size, 1), *state = (uint8_t *)calloc(size, 1);
    if (!data || !state) {
        free(data);
        free(state);
        return 0;
    }
    constexpr uint64_t gap = 1 << 20, alignment = 512;
    uint64_t address = next_;
    next_ += (size + alignment - 1) / alignment * alignment + gap;
    allocations_[address] = {address, size, data, state, constant};
    used_ += size;
    return address;
}

bool DeviceMemory::release(uint64_t address) {
    auto found = allocations_.find(address);
    if (found == allocations_.end())
        return false;
    used_ -= found->second.size;
    free(found->second.data);
    free(found->second.state);
    allocations_.erase(found);
    return true;
}

const Allocation &DeviceMemory::find(uint64_t address, uint64_t size, const char *what) const {
    auto after = allocations_.upper_bound(address);
    if (after != allocations_.begin()) {
        const Allocation &before = std::prev(after)->second;
        uint64_t offset = address - before.address;
        if (offset <= before.size && size <= before.size - offset)
            return before;
        if (offset < before.size + (1 << 20))
            throw Fault(UD2M_CUDA_ERROR_ILLEGAL_ADDRESS,
                        std::string(what) + " of " + std::to_string(size) + " bytes at offset " +
                            std::to_string(offset) + " of an allocation of " + std::to_string(before.size) + " bytes");
    }
    throw Fault(UD2M_CUDA_ERROR_ILLEGAL_ADDRESS, std::string(what) + " of " + std::to_string(size) + " bytes at " +
                                                     hexadecimal(address) + ", where there is no allocation");
}

void DeviceMemory::copy_in(uint64_t to, const void *from, uint64_t size) {
    if (size == 0)
        return;
    auto &at = find(to, size, "copy to device memory");
    memcpy(at.data + (to - at.address), from, size);
    memset(at.state + (to - at.address), written, size);
}

void DeviceMemory::copy_out(void *to, uint64_t from, uint64_t size) const {
    if (size == 0)
        return;
    auto &at = find(from, size, "copy from device memory");
    const uint8_t *state = at.state + (from - at.address);
    if (auto *first = (const uint8_t *)memchr(state, unwritten, size))
        throw Fault(UD2M_CUDA_ERROR_LAUNCH_FAILED, "copy from device memory that was never written, byte " +
                                                       std::to_string(first - state) + " of " + std::to_string(size) +
                                                       ", offset " + std::to_string(first - at.state) +
                                                       " of an allocation of " + std::to_string(at.size) + " bytes");
    memcpy(to, at.data + (from - at.address), size);
}

void DeviceMemory::copy(uint64_t to, uint64_t from, uint64_t size) {
    if (size == 0)
        return;
    auto &source = find(from, size, "copy from device memory");
    auto &at = find(to, size, "copy to device memory");
    memmove(at.data + (to - at.address), source.data + (from - source.address), size);
    memmove(at.state + (to - at.address), source.state + (from - source.address), size);
}

void DeviceMemory::fill(uint64_t to, uint32_t value, unsigned width, uint64_t count) {
    if (count == 0)
        return;
    if (to % width)
        throw Fault(UD2M_CUDA_ERROR_INVALID_VALUE, "fill of an address that is not aligned");
    auto &at = find(to, count * width, "fill");
    uint8_t *data = at.data + (to - at.address);
    for (uint64_t i = 0; i < count; i++)
        memcpy(data + i * width, &value, width);
    memset(at.state + (to - at.address), written, count * width);
}

void DeviceMemory::poison(uint64_t address, uint64_t size) {
    if (size == 0)
        return;
    auto &at = find(address, size, "poison");
    memset(at.state + (address - at.address), unwritten, size);
}

} // namespace testdriver
