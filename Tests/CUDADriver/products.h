#pragma once
// What the libraries of products share: elements in device memory, widened to double, and descriptors.
#include "context.h"
#include "floats.h"
#include "ud2m_cuda_products.h"
#include <set>

namespace testdriver {

/// Types of elements, by bytes and whether two of them are bfloat16.
enum class Elements { single, half, brain };

inline size_t size_of(Elements type) {
    return type == Elements::single ? 4 : 2;
}

/// Elements from an address on; what was never written is a fault.
inline std::vector<double> read_elements(Context &context, uint64_t address, size_t count, Elements type) {
    std::vector<double> values(count);
    if (type == Elements::single) {
        std::vector<float> raw(count);
        context.memory.copy_out(raw.data(), address, 4 * count);
        for (size_t i = 0; i < count; i++)
            values[i] = double(raw[i]);
    } else {
        std::vector<uint16_t> raw(count);
        context.memory.copy_out(raw.data(), address, 2 * count);
        for (size_t i = 0; i < count; i++)
            values[i] = double(type == Elements::half ? Half::value(raw[i]) : Brain::value(raw[i]));
    }
    return values;
}

inline void write_elements(Context &context, uint64_t address, const std::vector<double> &values, Elements type) {
    if (type == Elements::single) {
        std::vector<float> raw(values.begin(), values.end());
        context.memory.copy_in(address, raw.data(), 4 * raw.size());
        return;
    }
    std::vector<uint16_t> raw;
    for (double value : values)
        raw.push_back(type == Elements::half ? Half::rounded(float(value)) : Brain::rounded(float(value)));
    context.memory.copy_in(address, raw.data(), 2 * raw.size());
}

inline uint64_t address_of(const void *pointer) {
    return uint64_t(reinterpret_cast<uintptr_t>(pointer));
}

/// Descriptors that exist: others are refused, as are those of another kind.
template <class Descriptor> class Descriptors {
  public:
    void *create() {
        std::lock_guard<std::mutex> guard(lock_);
        return *all_.insert(new Descriptor).first;
    }
    bool destroy(void *descriptor) {
        std::lock_guard<std::mutex> guard(lock_);
        auto found = all_.find(static_cast<Descriptor *>(descriptor));
        if (found == all_.end())
            return false;
        delete *found;
        all_.erase(found);
        return true;
    }
    Descriptor *find(void *descriptor) {
        std::lock_guard<std::mutex> guard(lock_);
        auto found = all_.find(static_cast<Descriptor *>(descriptor));
        return found == all_.end() ? nullptr : *found;
    }

  private:
    std::mutex lock_;
    std::set<Descriptor *> all_;
};

} // namespace testdriver
