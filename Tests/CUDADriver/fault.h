#pragma once
#include "ud2m_cuda_driver.h"
#include <stdexcept>
#include <string>

namespace testdriver {

/// What stops a launch or makes a call fail: a code of CUDA's and a text that says what and where.
struct Fault : std::runtime_error {
    ud2m_cuda_result code;
    Fault(ud2m_cuda_result code, const std::string &text) : std::runtime_error(text), code(code) {}
};

/// An error in PTX: the line and what is wrong with it.
[[noreturn]] inline void bad_ptx(unsigned line, const std::string &text) {
    throw Fault(UD2M_CUDA_ERROR_INVALID_PTX, "line " + std::to_string(line) + ": " + text);
}

} // namespace testdriver
