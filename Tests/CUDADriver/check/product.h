#pragma once
#include "check.h"
#include <cstring>

namespace check {

/// The parameters of programs/product.cu.
struct Product {
    uint64_t input, weights, output;
    int height, width, channels, outputs;
};

/// A convolution, its result in double precision, and how far the kernel's is from it.
struct ProductCase {
    const int height = 9, width = 11, channels = 64, outputs = 40;
    Product parameters;
    std::vector<float> expected;

    explicit ProductCase(bool brain_floats);
    ud2m_cuda_result run(const char *name, int count);
    double error();
};

} // namespace check
