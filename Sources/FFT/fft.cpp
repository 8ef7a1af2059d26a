// Two-dimensional complex transforms over kissfft's header-only template (BSD), which does any size.

#include "ud2m_fft.h"

#include <cmath>
#include <cstdint>
#include <new>
#include <vector>

#if __has_include(<kissfft/kissfft.hh>)
#include <kissfft/kissfft.hh>
#elif __has_include(<kissfft.hh>)
#include <kissfft.hh>
#else
#error "kissfft.hh not found: install libkissfft-dev (Debian) or kissfft (Homebrew)"
#endif

using transform = kissfft<double>;

struct ud2m_fft_plan {
    size_t rows, columns;
    transform row_forward, row_inverse, column_forward, column_inverse;

    ud2m_fft_plan(size_t rows, size_t columns)
        : rows(rows), columns(columns), row_forward(columns, false), row_inverse(columns, true),
          column_forward(rows, false), column_inverse(rows, true) {}
};

namespace {

// No C++ exception may cross into C or Swift.
template <typename Body> ud2m_fft_status guarded(Body body) {
    try {
        body();
        return UD2M_FFT_OK;
    } catch (const std::bad_alloc &) {
        return UD2M_FFT_OUT_OF_MEMORY;
    } catch (...) {
        return UD2M_FFT_FAILED;
    }
}

} // namespace

ud2m_fft_status ud2m_fft_plan_create(size_t rows, size_t columns, ud2m_fft_plan **plan) {
    *plan = nullptr;
    if (rows == 0 || columns == 0 || rows > SIZE_MAX / (2 * sizeof(double)) / columns)
        return UD2M_FFT_BAD_SIZE;
    return guarded([&] { *plan = new ud2m_fft_plan(rows, columns); });
}

void ud2m_fft_plan_destroy(ud2m_fft_plan *plan) { delete plan; }

ud2m_fft_status ud2m_fft_execute(const ud2m_fft_plan *plan, double *image, bool inverse) {
    return guarded([&] {
        // The library keeps a scratch buffer inside the object, so every call works on its own copy.
        const transform along_rows(inverse ? plan->row_inverse : plan->row_forward);
        const transform along_columns(inverse ? plan->column_inverse : plan->column_forward);
        // C++ guarantees that complex<double> is two doubles.
        auto *values = reinterpret_cast<std::complex<double> *>(image);
        const size_t rows = plan->rows, columns = plan->columns;
        std::vector<std::complex<double>> line(rows > columns ? rows : columns);

        for (size_t row = 0; row < rows; ++row) {
            std::complex<double> *start = values + row * columns;
            along_rows.transform(start, line.data());
            for (size_t column = 0; column < columns; ++column)
                start[column] = line[column];
        }
        for (size_t column = 0; column < columns; ++column) {
            along_columns.transform(values + column, line.data(), 0, 1, columns);
            for (size_t row = 0; row < rows; ++row)
                values[row * columns + column] = line[row];
        }
    });
}
